//! Money and caps: whole numbers, since sums of floats must not decide whether something is bought.

use std::fmt;

const NANO: f64 = 1e9;

/// Picodollars per token in one dollar per million tokens.
const PICO_PER_TOKEN: f64 = 1e6;

const PICO_PER_NANO: u128 = 1000;

/// US dollars, in billionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(u64);

impl Usd {
    /// The most that a row of the catalogue holds.
    const MOST: u64 = i64::MAX as u64;

    pub fn of_nanos(nanos: u64) -> Self {
        Self(nanos.min(Self::MOST))
    }

    /// Rounds to the nearest billionth; what is no amount counts as nothing.
    pub fn of_dollars(dollars: f64) -> Self {
        Self::of_nanos((dollars * NANO).round() as u64)
    }

    pub fn nanos(self) -> u64 {
        self.0
    }

    /// For people and for JSON; never to decide by.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / NANO
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self::of_nanos(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Usd {
    /// Cents where they say enough, else what is needed to see the amount.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(10_000_000) {
            return write!(f, "${:.2}", self.dollars());
        }
        let text = format!("{:.6}", self.dollars());
        write!(f, "${}", text.trim_end_matches('0'))
    }
}

/// What one token costs, in billionths of a thousandth of a dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate(u64);

impl Rate {
    /// Takes dollars per million tokens.
    pub fn per_million(dollars: f64) -> Self {
        Self((dollars * PICO_PER_TOKEN).round() as u64)
    }

    /// Halves it, as providers do for batches; the odd billionth is paid.
    #[must_use]
    pub fn halved(self) -> Self {
        Self(self.0.div_ceil(2))
    }
}

/// What the tokens of a request and of its answer cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    pub input: Rate,
    pub output: Rate,
}

impl Rates {
    /// Returns the price of a call, rounded up.
    pub fn cost(self, input_tokens: u64, output_tokens: u64) -> Usd {
        let part = |rate: Rate, tokens: u64| u128::from(rate.0) * u128::from(tokens);
        let pico = part(self.input, input_tokens).saturating_add(part(self.output, output_tokens));
        Usd::of_nanos(u64::try_from(pico.div_ceil(PICO_PER_NANO)).unwrap_or(u64::MAX))
    }

    #[must_use]
    pub fn halved(self) -> Self {
        Self { input: self.input.halved(), output: self.output.halved() }
    }
}

/// What a model costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub model: String,
    pub rates: Rates,
    /// Half of the above where nothing else is said.
    pub batch: Rates,
    /// Tokens of one picture at most; absent: reckoned from its size.
    pub image_tokens: Option<u64>,
}

/// What may be spent between one opening of the window and the next day's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    pub usd: Option<Usd>,
    pub tokens: Option<u64>,
    pub calls: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_costs_what_its_tokens_cost() {
        let luna = Rates { input: Rate::per_million(0.10), output: Rate::per_million(0.50) };
        for (input, output, nanos) in
            [(0, 0, 0), (1, 0, 100), (1000, 100, 150_000), (1_000_000, 1_000_000, 600_000_000)]
        {
            assert_eq!(luna.cost(input, output), Usd::of_nanos(nanos));
        }
        assert_eq!(luna.halved().cost(1000, 100), Usd::of_nanos(75_000));
        let cheap = Rates { input: Rate::per_million(0.000_001), output: Rate::default() };
        assert_eq!(cheap.cost(1, 0), Usd::of_nanos(1), "rounded up");
        let dear = Rates { input: Rate::per_million(1e6), output: Rate::per_million(1e6) };
        assert_eq!(dear.cost(u64::MAX, u64::MAX), Usd::of_nanos(u64::MAX));
    }

    #[test]
    fn amounts_read_as_people_write_them() {
        for (dollars, text) in
            [(0.0, "$0.00"), (5.0, "$5.00"), (0.25, "$0.25"), (0.0003, "$0.0003"), (1.2345, "$1.2345")]
        {
            assert_eq!(Usd::of_dollars(dollars).to_string(), text);
        }
        assert_eq!(Usd::of_dollars(-1.0), Usd::default());
        assert_eq!(Usd::of_dollars(f64::NAN), Usd::default());
    }
}
