//! The bound: how many tokens a request and its answer may take at most.
//!
//! What is set aside for it keeps parallel requests under a cap, so it is rather too high: it lasts only until the
//! answer comes. What a server still counts beyond it, the catalogue learns.

use catalog::{Bound, picture_tokens};
use config::{AnswerForm, Vision};

use super::answer::SCHEMA;
use super::look::{Jpeg, Look, PictureSize};

/// What servers wrap around messages: roles, separators, a template of the model's.
const FRAME_TOKENS: u64 = 64;

pub(super) fn bound(look: &Look, settings: &Vision) -> Bound {
    let per_picture = settings.price().and_then(|price| price.image_tokens);
    let pictures: u64 = look
        .pictures
        .iter()
        .map(|picture| {
            let reckoned = || picture_tokens(&settings.model, size(picture, settings));
            match (per_picture, look.size) {
                (Some(known), PictureSize::Shrunk) => known,
                // What is known is of smaller ones.
                (Some(known), PictureSize::Full) => known.max(reckoned()),
                (None, _) => reckoned(),
            }
        })
        .sum();
    // No tokenizer makes more than one token of a byte.
    let schema = if look.form(settings) == AnswerForm::Json { SCHEMA.len() } else { 0 };
    let text = look.prompt(settings).len() + look.system(settings).map_or(0, |system| system.len()) + schema;
    Bound {
        input_tokens: FRAME_TOKENS + text as u64 + pictures,
        output_tokens: settings.max_output_tokens.into(),
    }
}

/// Reads the size of a picture; one that does not tell it is as large as any that is sent.
fn size(picture: &Jpeg, settings: &Vision) -> [u64; 2] {
    match turbojpeg::read_header(&picture.bytes) {
        Ok(header) => [header.width as u64, header.height as u64],
        Err(_) => [settings.image_max_px.into(); 2],
    }
}
