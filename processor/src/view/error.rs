//! What can go wrong between a recorded picture and the JPEG of a view.

#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    #[error(
        "view `{view}` looks through a lens, but the camera describes none: add `[camera.lens]`, or use mode \
         `original`"
    )]
    NoLens { view: String },
    #[error(
        "the lens folds back {angle_deg:.0}° off its axis, inside its field of {fov_deg}°: correct \
         `camera.lens.k`, or lower `camera.lens.fov_deg`"
    )]
    LensFolds { angle_deg: f64, fov_deg: f64 },
    #[error("the picture has no pixels")]
    NoPixels,
    #[error("OpenCV cannot resize the picture, or draw on it")]
    OpenCv(#[from] opencv::Error),
    #[error("the picture cannot be written as JPEG")]
    Jpeg(#[from] turbojpeg::Error),
}
