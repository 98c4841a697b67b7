//! The flex tier: requests at the price of batches, answered when the provider has time, and what to do where it has
//! none.

use catalog::CallMode;
use config::{FlexFallback, VisionMode};
use serde::Serialize;

use super::failure::Failure;
use super::wire::Request;

/// So often a look finds no room in the flex tier before it is asked at the full price.
const SHORTAGES: u32 = 3;

/// A request with the tier that it is sent to.
#[derive(Serialize)]
pub(super) struct Tiered<'a> {
    #[serde(flatten)]
    request: &'a Request,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

impl<'a> Tiered<'a> {
    pub(super) fn new(request: &'a Request, mode: CallMode) -> Self {
        Self { request, service_tier: (mode == CallMode::Flex).then_some("flex") }
    }
}

/// The tier that one look is asked in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tier {
    mode: CallMode,
    shortages: u32,
}

impl Tier {
    pub(super) fn new(mode: VisionMode) -> Self {
        let mode = if mode == VisionMode::Flex { CallMode::Flex } else { CallMode::Direct };
        Self { mode, shortages: 0 }
    }

    pub(super) fn mode(self) -> CallMode {
        self.mode
    }

    /// Tells whether the look is asked at the full price from now on, since the flex tier has no room or does not
    /// know the model.
    pub(super) fn falls_back(&mut self, failure: &Failure, fallback: FlexFallback) -> bool {
        if self.mode != CallMode::Flex || fallback == FlexFallback::Never {
            return false;
        }
        self.shortages += u32::from(is_shortage(failure));
        let falls_back = self.shortages >= SHORTAGES || is_no_such_tier(failure);
        if falls_back {
            tracing::debug!(%failure, "the flex tier is left for the default one");
            self.mode = CallMode::Direct;
        }
        falls_back
    }
}

/// A rate limit says 429 too, but holds for every tier.
fn is_shortage(failure: &Failure) -> bool {
    let Failure::Status { status: 429, code, kind, text, .. } = failure else { return false };
    let words = [code.as_deref(), kind.as_deref(), Some(text.as_str())];
    words.into_iter().flatten().any(|word| {
        let word = word.to_ascii_lowercase().replace(['_', '-'], " ");
        word.contains("resource unavailable")
    })
}

fn is_no_such_tier(failure: &Failure) -> bool {
    matches!(failure, Failure::Status { status: 400 | 422, text, .. } if text.contains("service_tier"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, code: &str, text: &str) -> Failure {
        let body = format!(r#"{{"error":{{"message":"{text}","code":"{code}"}}}}"#);
        Failure::from_status(status, None, &body)
    }

    fn falls_back_after(failures: &[Failure], fallback: FlexFallback) -> Option<usize> {
        let mut tier = Tier::new(VisionMode::Flex);
        failures.iter().position(|failure| tier.falls_back(failure, fallback))
    }

    #[test]
    fn only_a_shortage_or_an_unknown_tier_leaves_the_flex_tier() {
        let shortage = status(429, "resource_unavailable", "Try later");
        let limited = status(429, "rate_limit_exceeded", "slow down");
        let unknown = status(400, "invalid_value", "Invalid service_tier argument");
        let (direct, never) = (FlexFallback::Direct, FlexFallback::Never);
        let cases: [(&[Failure], FlexFallback, Option<usize>); 5] = [
            (&[shortage.clone(), shortage.clone(), shortage.clone()], direct, Some(2)),
            (&[shortage.clone(), shortage.clone(), limited.clone(), shortage.clone()], direct, Some(3)),
            (&[limited.clone(), limited.clone(), limited], direct, None),
            (std::slice::from_ref(&unknown), direct, Some(0)),
            (&[shortage.clone(), shortage.clone(), shortage, unknown.clone()], never, None),
        ];
        for (failures, fallback, expected) in cases {
            assert_eq!(falls_back_after(failures, fallback), expected, "{failures:?}");
        }
        let mut direct = Tier::new(VisionMode::Direct);
        assert!(!direct.falls_back(&status(400, "", "service_tier"), FlexFallback::Direct));
    }
}
