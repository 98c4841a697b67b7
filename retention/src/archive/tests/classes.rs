//! Storage classes that rules name: what is of one camera and hour goes into a bundle for each.

use std::collections::BTreeSet;

use catalog::SegmentState;
use config::RetentionRule;
use object_store::{Attribute, ObjectStoreExt};

use super::world::World;

fn people_elsewhere() -> World {
    let mut world = World::new();
    world.settings.storage_class = Some("STANDARD".to_owned());
    let rule = RetentionRule {
        labels: vec!["person".to_owned()],
        storage_class: Some("DEEP_ARCHIVE".to_owned()),
        ..RetentionRule::default()
    };
    world.policy.rules = vec![rule];
    world
}

#[test]
fn segments_of_one_hour_go_into_bundles_of_the_classes_that_their_rules_name() {
    let world = people_elsewhere();
    let ids = [(1, Some("person")), (2, None), (3, Some("person")), (4, Some("car"))]
        .map(|(minute, label)| world.process_seeing(minute, label));

    let sent = world.archive().unwrap();

    assert_eq!((sent.bundles, sent.failed, sent.archived.segments), (2, 0, 4), "{:?}", sent.failures);
    assert!(ids.iter().all(|id| world.state(*id) == SegmentState::Archived && !world.has_file(*id)));
    let bundles = world.bundles();
    let told: BTreeSet<_> = bundles.iter().map(|bundle| (bundle.class.as_deref(), bundle.segments)).collect();
    assert_eq!(told, BTreeSet::from([(Some("DEEP_ARCHIVE"), 2), (Some("STANDARD"), 2)]));
    let store = world.store();
    for bundle in &bundles {
        let found = store.wait(store.objects().get(&store.path(&bundle.key))).unwrap();
        let class = found.attributes.get(&Attribute::StorageClass).map(|class| class.to_string());
        assert_eq!(class, bundle.class, "the store was told");
    }
    assert_eq!(world.restore().unwrap().files.len(), 4);
    assert!(world.due().is_empty(), "nothing is sent anew");
}

#[test]
fn a_catalogue_from_bundles_alone_knows_their_classes() {
    let world = people_elsewhere();
    world.process_seeing(1, Some("person"));
    world.process(2);
    world.archive().unwrap();
    let catalog = catalog::Catalog::open(&world.path("another")).unwrap();
    assert_eq!(world.find(&catalog).unwrap().bundles, 2);
    let classes = |catalog: &catalog::Catalog| {
        let bundles = catalog.bundles(None, world.span()).unwrap();
        bundles.into_iter().map(|bundle| (bundle.key, bundle.class)).collect::<BTreeSet<_>>()
    };
    assert_eq!(classes(&catalog), classes(&world.catalog));
}
