//! Snapshots on their way: sent once, never over another, and never lost to a store that is away.

use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path as Key;

use super::*;

struct Folder {
    folder: tempfile::TempDir,
    objects: Arc<InMemory>,
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), objects: Arc::default() }
    }

    /// Returns a sender as a program that starts anew has it.
    fn sender(&self) -> PictureSender {
        let shelf = Shelf {
            objects: Arc::clone(&self.objects) as _,
            prefix: "night/all".to_owned(),
            attributes: Attributes::default(),
        };
        let folders = vec![("gate".parse().unwrap(), self.folder.path().to_owned())];
        let place = StorePlace::Folder(PathBuf::from("unused"));
        PictureSender { place, folders, shelf: Some(shelf), is_away: false }
    }

    fn put(&self, name: &str, content: &str) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn left(&self) -> Vec<String> {
        let names = self.folder.path().read_dir().unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    async fn held(&self, key: &str) -> Bytes {
        self.objects.get(&Key::from(format!("night/all/gate/{key}"))).await.unwrap().bytes().await.unwrap()
    }

    async fn count(&self) -> usize {
        self.objects.list(None).count().await
    }
}

#[tokio::test]
async fn a_picture_leaves_its_folder_when_the_store_holds_it() {
    let folder = Folder::new();
    folder.put("20261122_115442.jpg", "one");
    folder.put("20261122_115443.jpg", "two");
    folder.put("holiday.jpg", "of somebody else");
    assert_eq!(folder.sender().pass().await.unwrap(), 2);
    assert_eq!(folder.left(), ["holiday.jpg"]);
    assert_eq!(folder.held("20261122_115443.jpg").await, "two");
    assert_eq!(folder.count().await, 2);
}

#[tokio::test]
async fn what_a_dead_process_sent_is_not_sent_again() {
    let folder = Folder::new();
    folder.put("20261122_115442.jpg", "one");
    let sender = folder.sender();
    let key = Key::from("night/all/gate/20261122_115442.jpg");
    let held = sender.shelf.unwrap().put(&key, &Bytes::from("one")).await.unwrap();
    assert_eq!(held, Held::Nothing);
    let sent = folder.objects.head(&key).await.unwrap().last_modified;

    assert_eq!(folder.sender().pass().await.unwrap(), 1);

    assert_eq!(folder.objects.head(&key).await.unwrap().last_modified, sent);
    assert!(folder.left().is_empty());
}

#[tokio::test]
async fn a_picture_of_the_same_second_replaces_none() {
    let folder = Folder::new();
    for content in ["one", "two", "three"] {
        folder.put("20261122_115442.jpg", content);
        folder.sender().pass().await.unwrap();
    }
    assert_eq!(folder.held("20261122_115442.jpg").await, "one");
    assert_eq!(folder.held("20261122_115442_2.jpg").await, "two");
    assert_eq!(folder.held("20261122_115442_3.jpg").await, "three");
}

#[tokio::test]
async fn an_outage_is_told_once_and_everything_waits() {
    let folder = Folder::new();
    folder.put("20261122_115442.jpg", "one");
    let mut sender = folder.sender();
    // Its folder is not there.
    sender.shelf = None;
    for _ in 0..2 {
        let passed = sender.pass().await;
        assert!(matches!(passed, Err(ArchiveError::NoFolder { .. })));
        assert_eq!(sender.note(passed), AGAIN_AFTER);
        assert!(sender.is_away);
    }
    assert_eq!(folder.left(), ["20261122_115442.jpg"]);
    sender.shelf = folder.sender().shelf;
    let passed = sender.pass().await;
    assert_eq!(sender.note(passed), Duration::ZERO);
    assert!(!sender.is_away && folder.left().is_empty());
}
