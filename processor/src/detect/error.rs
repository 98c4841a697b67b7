//! What can go wrong between a picture and the objects in it.

#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    #[error("`{label}` in `detect.labels` is nothing the model knows; the nearest it knows is `{nearest}`")]
    UnknownLabel { label: String, nearest: &'static str },
    #[error("the model inside this program cannot be unpacked: install the program again")]
    Unpack(#[source] std::io::Error),
    #[error("the network cannot be run")]
    Network(#[from] opencv::Error),
    #[error("the network gave {found} numbers where {expected} were expected")]
    OutputShape { found: usize, expected: usize },
}
