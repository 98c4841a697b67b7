//! The key of a question: the one definition of what makes two questions the same.

use catalog::hex;
use config::{AnswerForm, Vision};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::answer::SCHEMA;
use super::look::{Look, PictureSize};

/// Everything the answer depends on, in the order in which it is hashed.
///
/// The pictures' bytes are left out on purpose: another JPEG encoder must not buy every answer again.
#[derive(Serialize)]
struct Parts<'a> {
    /// Raised when the meaning of a field changes.
    version: u32,
    segment_sha256: &'a str,
    frames: Vec<u64>,
    view: &'a str,
    mapping: &'a str,
    image: Image,
    model: &'a str,
    /// With its variables filled in, as is the system text.
    prompt: &'a str,
    system: Option<&'a str>,
    /// Of a structured answer; absent while answers are plain text.
    schema: Option<&'a str>,
}

/// How the view becomes the picture that is sent.
#[derive(Serialize)]
struct Image {
    /// 0 for as large as the view is.
    max_px: u32,
    quality: u8,
    detail: &'static str,
}

/// Returns the key as 64 hexadecimal digits: SHA-256 over the canonical JSON of the parts. JSON quotes
/// its strings, so no two different questions share a text.
pub(super) fn key(look: &Look, settings: &Vision) -> String {
    let (prompt, system) = (look.prompt(settings), look.system(settings));
    let parts = Parts {
        version: 1,
        segment_sha256: &look.segment_sha256,
        frames: look.pictures.iter().map(|picture| picture.frame).collect(),
        view: &look.view,
        mapping: &look.mapping,
        image: Image {
            max_px: if look.size == PictureSize::Full { 0 } else { settings.image_max_px },
            quality: settings.jpeg_quality,
            detail: look.detail(settings).as_str(),
        },
        model: &settings.model,
        prompt: &prompt,
        system: system.as_deref(),
        schema: (look.form(settings) == AnswerForm::Json).then_some(SCHEMA),
    };
    let text = serde_json::to_vec(&parts).expect("strings and numbers always become JSON");
    hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use bytes::Bytes;
    use config::{Caps, Detail, SecondLook, Wording};

    use super::super::look::{Asking, Jpeg};
    use super::*;

    fn picture(frame: u64) -> Jpeg {
        Jpeg { frame, at: Duration::from_secs(frame / 30), bytes: Bytes::from_static(b"jpeg") }
    }

    fn wording(text: &str) -> Wording {
        Wording::parse(text).unwrap()
    }

    fn look() -> Look {
        Look {
            segment_sha256: "ab".repeat(32),
            camera: None,
            view: "north".to_owned(),
            mapping: r#"{"mode":"original"}"#.to_owned(),
            pictures: vec![picture(30)],
            size: PictureSize::Shrunk,
            asking: Asking::Prompt,
            time: "2026-11-22 22:00:00".to_owned(),
            labels: "car".to_owned(),
        }
    }

    fn settings() -> Vision {
        Vision {
            base_url: "http://127.0.0.1:1/v1".parse().unwrap(),
            model: "gpt-6-luna".to_owned(),
            mode: config::VisionMode::Direct,
            flex_fallback: config::FlexFallback::Direct,
            batches: config::Batches {
                max_lines: 1,
                max_bytes: 1,
                per_hour: 1,
                gather: Duration::ZERO,
                poll: Duration::ZERO,
            },
            api_key: None,
            headers: Vec::new(),
            ca_file: None,
            proxy: None,
            prompt: wording("What is happening?"),
            system: None,
            answer: AnswerForm::Text,
            detail: Detail::Low,
            frames_per_request: 1,
            second_look: SecondLook::Never,
            digest: false,
            image_max_px: 640,
            jpeg_quality: 80,
            max_output_tokens: 300,
            caps: Caps::default(),
            camera_caps: std::collections::BTreeMap::new(),
            concurrency: 4,
            requests_per_minute: None,
            tokens_per_minute: None,
            timeout: Duration::from_secs(120),
            prices: Vec::new(),
        }
    }

    #[test]
    fn the_same_question_has_the_same_key_whoever_sends_the_picture_how() {
        let mut other = look();
        other.camera = Some("gate".parse().unwrap());
        other.pictures[0].bytes = Bytes::from_static(b"another encoder");
        let mut elsewhere = settings();
        elsewhere.base_url = "https://example.org/v1".parse().unwrap();
        elsewhere.caps.calls = Some(1);
        assert_eq!(key(&look(), &settings()), key(&other, &elsewhere));
    }

    #[test]
    fn the_key_does_not_move_between_versions() {
        let expected = "b73340fe28a6ddd964be1a6e70579625";
        assert_eq!(&key(&look(), &settings())[..32], expected);
    }

    #[test]
    fn a_variable_is_part_of_the_key_only_where_it_is_used() {
        let later = Look { time: "2026-11-22 23:00:00".to_owned(), labels: "dog".to_owned(), ..look() };
        assert_eq!(key(&look(), &settings()), key(&later, &settings()));
        for prompt in ["At {time}?", "{labels}?"] {
            let settings = Vision { prompt: wording(prompt), ..settings() };
            assert_ne!(key(&look(), &settings), key(&later, &settings), "{prompt}");
            let settings = Vision { prompt: wording("?"), system: Some(wording(prompt)), ..settings };
            assert_ne!(key(&look(), &settings), key(&later, &settings), "{prompt}");
        }
    }

    #[test]
    fn whatever_changes_the_answer_changes_the_key() {
        let looks: [fn(&mut Look); 6] = [
            |look| look.size = PictureSize::Full,
            |look| look.segment_sha256 = "cd".repeat(32),
            |look| look.pictures[0].frame = 60,
            |look| look.pictures.push(picture(60)),
            |look| look.view = "south".to_owned(),
            |look| look.mapping = r#"{"mode":"perspective"}"#.to_owned(),
        ];
        let settings_changes: [fn(&mut Vision); 7] = [
            |settings| settings.answer = AnswerForm::Json,
            |settings| settings.model = "llava".to_owned(),
            |settings| settings.prompt = wording("Who is there?"),
            |settings| settings.system = Some(wording("You watch a gate.")),
            |settings| settings.detail = Detail::High,
            |settings| settings.image_max_px = 1024,
            |settings| settings.jpeg_quality = 81,
        ];
        let mut keys = HashSet::from([key(&look(), &settings())]);
        for change in looks {
            let mut look = look();
            change(&mut look);
            assert!(keys.insert(key(&look, &settings())), "{look:?}");
        }
        for change in settings_changes {
            let mut settings = settings();
            change(&mut settings);
            assert!(keys.insert(key(&look(), &settings)), "{settings:?}");
        }
    }
}
