//! How many tokens a picture takes at most, whichever of the known models looks at it.

/// Tiles that a picture is cut into by some models, and what each costs, with the base: the dearest known.
const TILE_PX: u64 = 512;
const TILE_TOKENS: u64 = 170;
const BASE_TOKENS: u64 = 85;

/// Of one family alone, thirty times as much.
const DEAR_TILES: (&str, u64, u64) = ("4o-mini", 2833, 5667);

/// Patches that other models cut it into; each counts up to 2.46 times.
const PATCH_PX: u64 = 32;
const PATCH_PERCENT: u64 = 246;

/// Returns the tokens of a picture of `width` and `height` pixels.
///
/// `detail` does not lower it: many servers pay no attention to it. Nor is the picture thought to be shrunk first,
/// which models do within budgets of their own.
pub fn picture_tokens(model: &str, [width, height]: [u64; 2]) -> u64 {
    let cut = |px: u64| width.div_ceil(px) * height.div_ceil(px);
    let (dear, base, tile) = DEAR_TILES;
    let (base, tile) = if model.contains(dear) { (base, tile) } else { (BASE_TOKENS, TILE_TOKENS) };
    let (tiles, patches) = (base + tile * cut(TILE_PX), cut(PATCH_PX) * PATCH_PERCENT);
    tiles.max(patches.div_ceil(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_no_less_than_what_any_known_model_counts() {
        // Sizes, and the most that facts of the providers and measurements name for them.
        for (model, size, counted) in [
            ("gpt-6-luna", [512, 288], 173),
            ("gpt-6-luna", [1280, 720], 1104),
            ("gpt-6-luna", [1920, 1080], 2448),
            ("gpt-5-nano", [1280, 720], 920 * 246 / 100),
            ("gpt-4o", [1024, 1024], 765),
            ("gpt-4o-mini", [1024, 1024], 25_501),
            ("qwen3-vl", [1024, 576], 777),
        ] {
            let bound = picture_tokens(model, size);
            assert!((counted..counted * 5).contains(&bound), "{model} {size:?}: {bound}");
        }
    }
}
