//! H.265 packets: NAL unit types and temporal layers (H.265 §7.4.2.2).

use super::coded::{Coded, Role, digest};
use super::doubt::Doubt;
use super::nal::{Framing, units};

pub(super) fn read(packet: &[u8], framing: Framing) -> Result<Coded, Doubt> {
    let mut coded = Coded { role: Role::Empty, temporal_id: 0, parameter_sets: None };
    for unit in units(packet, framing) {
        let [first, second, ..] = *unit else { continue };
        let kind = first >> 1 & 0x3f;
        let layer = (first & 1) << 5 | second >> 3;
        if layer > 0 {
            continue; // enhancement layers are not decoded
        }
        match kind {
            0..=31 => {
                let first_slice = unit.get(2).is_some_and(|byte| byte & 0x80 != 0);
                add_slice(&mut coded, kind, first_slice)?;
                coded.temporal_id = (second & 7).saturating_sub(1);
            }
            32..=34 => coded.parameter_sets = digest(coded.parameter_sets, unit),
            // After an end of sequence the next CRA drops its leading pictures.
            36 | 37 => return Err(Doubt::Spliced),
            _ => {}
        }
    }
    Ok(coded)
}

/// Takes in one slice; a packet must begin with a picture's first slice and hold no second one.
fn add_slice(coded: &mut Coded, kind: u8, first_slice: bool) -> Result<(), Doubt> {
    if first_slice != (coded.role == Role::Empty) {
        return Err(Doubt::IrregularPacket);
    }
    coded.role = match kind {
        // Even types below 16 are sub-layer non-reference pictures. 6 and 7 are decodable leading
        // pictures, 16 to 18 come after a splice: rare, and they number differently.
        6 | 7 | 16..=18 => return Err(Doubt::Spliced),
        0..=15 if kind.is_multiple_of(2) => Role::Disposable,
        0..=15 => Role::Reference,
        19..=21 => Role::Entry,
        _ => return Err(Doubt::IrregularPacket),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(kind: u8, temporal_id: u8, first_slice: bool) -> Vec<u8> {
        vec![0, 0, 1, kind << 1, temporal_id + 1, if first_slice { 0x80 } else { 0 }]
    }

    #[test]
    fn tells_what_each_kind_of_picture_is_good_for() {
        let cases = [
            (0, Ok(Role::Disposable)),
            (1, Ok(Role::Reference)),
            (8, Ok(Role::Disposable)),
            (9, Ok(Role::Reference)),
            (7, Err(Doubt::Spliced)),
            (16, Err(Doubt::Spliced)),
            (19, Ok(Role::Entry)),
            (21, Ok(Role::Entry)),
            (36, Err(Doubt::Spliced)),
        ];
        for (kind, role) in cases {
            let read = read(&unit(kind, 2, true), Framing::StartCodes);
            assert_eq!(read.map(|coded| coded.role), role, "type {kind}");
        }
    }

    #[test]
    fn reads_the_temporal_layer() {
        assert_eq!(read(&unit(1, 3, true), Framing::StartCodes).map(|coded| coded.temporal_id), Ok(3));
    }

    #[test]
    fn takes_several_slices_as_one_picture_but_not_two_pictures_as_one() {
        let slices = [unit(1, 0, true), unit(1, 0, false)].concat();
        assert_eq!(read(&slices, Framing::StartCodes).map(|coded| coded.role), Ok(Role::Reference));
        let pictures = [unit(1, 0, true), unit(1, 0, true)].concat();
        assert_eq!(read(&pictures, Framing::StartCodes), Err(Doubt::IrregularPacket));
    }
}
