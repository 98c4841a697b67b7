//! What every story stands on: footage, a camera, the program under test, and its results held to the schema.

mod asked;
pub(crate) mod azurite;
mod batch_server;
pub(crate) mod broker;
mod camera;
mod certificates;
mod children;
pub(crate) mod clock;
pub(crate) mod cold;
mod footage;
pub(crate) mod gateway;
mod lens;
pub(crate) mod media;
pub(crate) mod moto;
pub(crate) mod onnx;
mod program;
mod sidecar;
mod store_server;
#[allow(clippy::needless_pass_by_value, reason = "as it is called with literals")]
mod vision_server;
mod waiting;

pub(crate) use batch_server::{BatchServer, Rules, Step};
pub(crate) use camera::{FakeCamera, Play};
pub(crate) use certificates::make_certificates;
pub(crate) use children::children;
pub(crate) use footage::{Clip, footage};
pub(crate) use lens::{CEILING_CIRCLE, DOME, ceiling_footage, dome_footage, through_a_dome};
pub(crate) use program::{Nightreel, Outcome, Running};
pub(crate) use sidecar::{Seen, assert_sidecar, sidecar_beside};
pub(crate) use vision_server::{Received, Reply, VisionServer};
pub(crate) use waiting::{PATIENCE, eventually};
