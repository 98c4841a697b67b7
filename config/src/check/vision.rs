//! `[vision]`: the server that is asked about pictures, and what it may cost.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::wording::TextKeys;
use super::{Check, given};
use crate::credentials::Whereabouts;
use crate::raw::{RawPrice, RawVision};
use crate::{
    AnswerForm, Detail, FlexFallback, Price, Rate, Rates, SecondLook, Secret, Vision, VisionMode, Wording,
};

const MOST_DOLLARS_PER_MILLION: f64 = 1e6;

/// Seconds for an answer, and for one that the flex tier makes when it has time.
const TIMEOUT_S: i64 = 120;
const FLEX_TIMEOUT_S: i64 = 900;

const PROMPT: &str = "What is happening?";

impl Check<'_> {
    pub(super) fn vision(&mut self, raw: &mut RawVision) -> Option<Vision> {
        let base_url = self
            .required("vision.base_url", raw.base_url.as_deref())
            .and_then(|text| self.base_url("vision.base_url", text));
        let model = self.required("vision.model", raw.model.as_deref()).map(str::to_owned);
        let mode = self.vision_mode(&raw.mode);
        let batches = self.batches(&raw.batch);
        let (prompt, system) = self.wordings(raw);
        let api_key = self.api_key(raw);
        let headers = self.headers(&raw.header);
        let ca_file = raw.ca_file.as_mut().map(|file| self.file("vision.ca_file", file));
        let proxy = raw.proxy.as_mut().map(|proxy| self.proxy(proxy));
        let forms = [("json", AnswerForm::Json), ("text", AnswerForm::Text)];
        let answer = self.choice("vision.answer", &raw.answer, &forms);
        let detail =
            self.choice("vision.detail", &raw.detail, &[("low", Detail::Low), ("high", Detail::High)]);
        let frames = self.whole("vision.frames_per_request", raw.frames_per_request, 1..=16);
        let image_max_px = self.whole("vision.image_max_px", raw.image_max_px, 32..=8192);
        let jpeg_quality = self.whole("vision.jpeg_quality", raw.jpeg_quality, 1..=100);
        let max_output_tokens = self.whole("vision.max_output_tokens", raw.max_output_tokens, 1..=1_000_000);
        let caps = self.vision_caps(raw);
        let concurrency = self.whole("vision.concurrency", raw.concurrency, 1..=256);
        let requests = raw
            .requests_per_minute
            .map(|requests| self.whole("vision.requests_per_minute", requests, 1..=1_000_000));
        let tokens = raw
            .tokens_per_minute
            .map(|tokens| self.whole("vision.tokens_per_minute", tokens, 1..=1_000_000_000_000));
        let usual = if mode == Some(VisionMode::Flex) { FLEX_TIMEOUT_S } else { TIMEOUT_S };
        let timeout = self.whole("vision.timeout_seconds", raw.timeout_seconds.unwrap_or(usual), 1..=3600);
        let prices = self.prices(&raw.price);
        Some(Vision {
            base_url: base_url?,
            model: model?,
            mode: mode?,
            flex_fallback: if raw.flex_fallback { FlexFallback::Direct } else { FlexFallback::Never },
            batches: batches?,
            api_key,
            headers: headers?,
            ca_file: given(ca_file)?,
            proxy: given(proxy)?,
            prompt: prompt?,
            system: system?,
            answer: answer?,
            detail: detail?,
            frames_per_request: frames?,
            second_look: if raw.second_look { SecondLook::WhereAsked } else { SecondLook::Never },
            digest: raw.digest,
            image_max_px: image_max_px?,
            jpeg_quality: jpeg_quality?,
            max_output_tokens: max_output_tokens?,
            caps: caps?,
            camera_caps: BTreeMap::new(),
            concurrency: concurrency?,
            requests_per_minute: given(requests)?,
            tokens_per_minute: given(tokens)?,
            timeout: Duration::from_secs(timeout?),
            prices: prices?,
        })
    }

    fn wordings(&mut self, raw: &mut RawVision) -> (Option<Wording>, Option<Option<Wording>>) {
        if raw.prompt_file.is_none() {
            raw.prompt.get_or_insert_with(|| PROMPT.to_owned());
        }
        // Nothing at all is as good as no text.
        let system = raw.system.as_deref().filter(|text| !text.trim().is_empty());
        let system =
            self.wording(TextKeys { key: "vision.system", itself: system, file: &mut raw.system_file });
        let prompt = raw.prompt.as_deref();
        let prompt =
            self.wording(TextKeys { key: "vision.prompt", itself: prompt, file: &mut raw.prompt_file });
        (prompt.flatten(), system)
    }

    fn api_key(&mut self, raw: &RawVision) -> Option<Secret> {
        self.secret(&Whereabouts {
            key: "vision.api_key".to_owned(),
            itself: raw.api_key.as_ref(),
            file: raw.api_key_file.as_deref(),
            variable: raw.api_key_env.as_deref(),
            credential: "vision.api_key".to_owned(),
        })
    }

    /// The text is not repeated in a fault: it may hold a key.
    fn base_url(&mut self, key: &str, text: &str) -> Option<Url> {
        let Ok(url) = Url::parse(text.trim()) else {
            return self.fault(key, "is no URL, such as `https://api.openai.com/v1`");
        };
        if !matches!(url.scheme(), "http" | "https") {
            return self.fault(key, "must begin with `http://` or `https://`");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return self
                .fault(key, "must not carry credentials: put the key into `api_key_file` or `api_key_env`");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return self.fault(key, "must end before `/chat/completions`, without `?` or `#`");
        }
        Some(url)
    }

    fn prices(&mut self, raw: &[RawPrice]) -> Option<Vec<Price>> {
        let prices: Vec<_> = raw.iter().enumerate().map(|(index, price)| self.price(index, price)).collect();
        let prices = prices.into_iter().collect::<Option<Vec<_>>>()?;
        for (index, price) in prices.iter().enumerate() {
            if prices[..index].iter().any(|other| other.model == price.model) {
                return self.fault(&format!("vision.price[{index}].model"), "has a price already");
            }
        }
        Some(prices)
    }

    fn price(&mut self, index: usize, raw: &RawPrice) -> Option<Price> {
        let key = |name: &str| format!("vision.price[{index}].{name}");
        let model = self.required(&key("model"), raw.model.as_deref()).map(str::to_owned);
        let input = self.dollars(&key("input_per_million"), raw.input_per_million);
        let output = self.dollars(&key("output_per_million"), raw.output_per_million);
        let rates = input.zip(output).map(|(input, output)| Rates { input, output });
        let batch_input = self.optional_rate(&key("batch_input_per_million"), raw.batch_input_per_million);
        let batch_output = self.optional_rate(&key("batch_output_per_million"), raw.batch_output_per_million);
        let image_tokens =
            raw.image_tokens.map(|tokens| self.whole(&key("image_tokens"), tokens, 1..=1_000_000));
        let (rates, half) = (rates?, rates?.halved());
        Some(Price {
            model: model?,
            rates,
            batch: Rates {
                input: batch_input?.unwrap_or(half.input),
                output: batch_output?.unwrap_or(half.output),
            },
            image_tokens: given(image_tokens)?,
        })
    }

    fn dollars(&mut self, key: &str, value: Option<f64>) -> Option<Rate> {
        match value {
            Some(value) => self.number(key, value, 0.0..=MOST_DOLLARS_PER_MILLION).map(Rate::per_million),
            None => self.fault(key, "is missing"),
        }
    }

    fn optional_rate(&mut self, key: &str, value: Option<f64>) -> Option<Option<Rate>> {
        given(value.map(|value| self.dollars(key, Some(value))))
    }
}
