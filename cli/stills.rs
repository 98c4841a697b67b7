//! Stills for the pages: what a camera's view shows at some time, as a JPEG.

use crate::open::Store;

/// For people to look at.
#[cfg(feature = "process")]
const QUALITY: u8 = 85;

/// Returns what makes stills, where this binary can. What nobody may see is hidden in them as in snapshots.
#[cfg(feature = "process")]
pub(crate) fn maker(store: &Store) -> Option<dashboard::StillMaker> {
    use processor::still::{Look, Stills};

    let stills = Stills::new(crate::commands::decode_worker::program());
    let store = store.clone();
    Some(std::sync::Arc::new(move |id: &config::CameraId, view: &config::View, moment: dashboard::Moment| {
        let camera = store.settings.cameras.iter().find(|camera| camera.id == *id);
        let lens = camera.and_then(|camera| camera.lens.clone());
        let lens = lens.map(|lens| placed(&store, id, lens)).transpose()?;
        let masks = camera.map_or(&[][..], |camera| &camera.masks);
        let look = Look { masks, lens: lens.as_ref(), view, quality: QUALITY };
        Ok(stills.view(&moment.footage.file, moment.after, look)?)
    }))
}

/// Says where a lens draws, where it was found and not given.
#[cfg(feature = "process")]
fn placed(
    store: &Store,
    camera: &config::CameraId,
    lens: config::Lens,
) -> Result<config::Lens, catalog::CatalogError> {
    if lens.placement.is_some() {
        return Ok(lens);
    }
    let placement = store.catalog.circle_of(camera.as_str())?.map(processor::of_parts);
    Ok(config::Lens { placement, ..lens })
}

#[cfg(not(feature = "process"))]
pub(crate) fn maker(_: &Store) -> Option<dashboard::StillMaker> {
    None
}
