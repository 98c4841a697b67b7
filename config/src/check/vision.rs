//! `[vision]`: the server that is asked about pictures, and what it may cost.

use std::time::Duration;

use url::Url;

use super::Check;
use crate::credentials::Whereabouts;
use crate::raw::{RawPrice, RawVision};
use crate::{Detail, Price, Secret, Vision};

const MOST_DOLLARS_PER_MILLION: f64 = 1e6;

impl Check<'_> {
    pub(super) fn vision(&mut self, raw: &RawVision) -> Option<Vision> {
        let base_url = self
            .required("vision.base_url", raw.base_url.as_deref())
            .and_then(|text| self.base_url("vision.base_url", text));
        let model = self.required("vision.model", raw.model.as_deref()).map(str::to_owned);
        let prompt = self.required("vision.prompt", Some(&raw.prompt)).map(str::to_owned);
        let api_key = self.api_key(raw);
        let detail =
            self.choice("vision.detail", &raw.detail, &[("low", Detail::Low), ("high", Detail::High)]);
        let image_max_px = self.whole("vision.image_max_px", raw.image_max_px, 32..=8192);
        let jpeg_quality = self.whole("vision.jpeg_quality", raw.jpeg_quality, 1..=100);
        let max_output_tokens = self.whole("vision.max_output_tokens", raw.max_output_tokens, 1..=1_000_000);
        let max_calls_per_day = self.whole("vision.max_calls_per_day", raw.max_calls_per_day, 1..=10_000_000);
        let concurrency = self.whole("vision.concurrency", raw.concurrency, 1..=256);
        let timeout = self.whole("vision.timeout_seconds", raw.timeout_seconds, 1..=3600);
        let prices = self.prices(&raw.price);
        Some(Vision {
            base_url: base_url?,
            model: model?,
            api_key,
            prompt: prompt?,
            system: raw.system.clone().filter(|text| !text.trim().is_empty()),
            detail: detail?,
            image_max_px: image_max_px?,
            jpeg_quality: jpeg_quality?,
            max_output_tokens: max_output_tokens?,
            max_calls_per_day: max_calls_per_day?,
            concurrency: concurrency?,
            timeout: Duration::from_secs(timeout?),
            prices: prices?,
        })
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
        Some(Price { model: model?, input: input?, output: output? })
    }

    fn dollars(&mut self, key: &str, value: Option<f64>) -> Option<f64> {
        match value {
            Some(value) => self.number(key, value, 0.0..=MOST_DOLLARS_PER_MILLION),
            None => self.fault(key, "is missing"),
        }
    }
}
