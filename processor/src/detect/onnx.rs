//! The ONNX file: what it says of the picture it takes, read out of the protobuf. OpenCV does not tell, and runs some
//! networks on another size than they can be run on.

use std::ops::Range;

/// Numbers of the fields that are read, by message.
mod field {
    pub(super) const MODEL_GRAPH: u64 = 7;
    pub(super) const GRAPH_NODE: u64 = 1;
    pub(super) const GRAPH_INITIALIZER: u64 = 5;
    pub(super) const GRAPH_INPUT: u64 = 11;
    pub(super) const TENSOR_NAME: u64 = 8;
    pub(super) const VALUE_NAME: u64 = 1;
    pub(super) const VALUE_TYPE: u64 = 2;
    pub(super) const TYPE_TENSOR: u64 = 1;
    pub(super) const TENSOR_TYPE_SHAPE: u64 = 2;
    pub(super) const SHAPE_DIMENSION: u64 = 1;
    pub(super) const DIMENSION_VALUE: u64 = 1;
}

/// One side of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Fixed(u64),
    /// Any, or to be found out.
    Open,
}

/// Returns height and width of the model's only input, which must be a picture; `None` where the file is no such
/// model.
pub(crate) fn input_sides(file: &[u8]) -> Option<[Side; 2]> {
    let graphs = messages(file, 0..file.len(), field::MODEL_GRAPH)?;
    let within = |number| -> Option<Vec<Range<usize>>> {
        let parts: Option<Vec<_>> =
            graphs.iter().map(|graph| messages(file, graph.clone(), number)).collect();
        Some(parts?.concat())
    };
    let initializers = within(field::GRAPH_INITIALIZER)?;
    let weights: Vec<_> =
        initializers.into_iter().map(|tensor| name(file, tensor, field::TENSOR_NAME)).collect();
    // Old files list their weights among the inputs.
    let inputs = within(field::GRAPH_INPUT)?;
    let is_picture = |input: &Range<usize>| !weights.contains(&name(file, input.clone(), field::VALUE_NAME));
    let pictures: Vec<_> = inputs.into_iter().filter(is_picture).collect();
    match pictures.as_slice() {
        [picture] if !within(field::GRAPH_NODE)?.is_empty() => sides(file, picture.clone()),
        _ => None,
    }
}

fn sides(file: &[u8], input: Range<usize>) -> Option<[Side; 2]> {
    let only = |within: Range<usize>, number| messages(file, within, number)?.pop();
    let kind = only(input, field::VALUE_TYPE)?;
    let shape = only(only(kind, field::TYPE_TENSOR)?, field::TENSOR_TYPE_SHAPE)?;
    let dimensions = messages(file, shape, field::SHAPE_DIMENSION)?;
    // Pictures, channels, rows, columns.
    let [_, _, height, width] = dimensions.try_into().ok()?;
    Some([side(file, height)?, side(file, width)?])
}

fn side(file: &[u8], dimension: Range<usize>) -> Option<Side> {
    let value = fields(file, dimension)?.into_iter().find_map(|field| match field {
        Field { number: field::DIMENSION_VALUE, value: Value::Number(px), .. } => Some(px),
        _ => None,
    });
    Some(value.filter(|px| *px > 0).map_or(Side::Open, Side::Fixed))
}

fn name(file: &[u8], message: Range<usize>, number: u64) -> Option<&[u8]> {
    messages(file, message, number)?.pop().map(|place| &file[place])
}

/// Returns where the messages, or texts, of one number are.
fn messages(file: &[u8], within: Range<usize>, number: u64) -> Option<Vec<Range<usize>>> {
    let wanted =
        |field: Field| (field.number == number && field.value == Value::Bytes).then_some(field.place);
    Some(fields(file, within)?.into_iter().filter_map(wanted).collect())
}

struct Field {
    number: u64,
    value: Value,
    place: Range<usize>,
}

#[derive(PartialEq, Eq)]
enum Value {
    Number(u64),
    Bytes,
}

/// Takes a message apart; `None` where it is none.
fn fields(file: &[u8], within: Range<usize>) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    let mut at = within.start;
    while at < within.end {
        let (key, start) = number(file, at, within.end)?;
        let (value, place) = match key & 7 {
            0 => {
                let (number, end) = number(file, start, within.end)?;
                (Value::Number(number), start..end)
            }
            1 => (Value::Bytes, start..start.checked_add(8)?),
            2 => {
                let (length, start) = number(file, start, within.end)?;
                (Value::Bytes, start..start.checked_add(usize::try_from(length).ok()?)?)
            }
            5 => (Value::Bytes, start..start.checked_add(4)?),
            _ => return None,
        };
        at = place.end;
        if at > within.end {
            return None;
        }
        fields.push(Field { number: key >> 3, value, place });
    }
    Some(fields)
}

/// Reads a number of seven bits a byte, and says where it ends.
fn number(file: &[u8], start: usize, end: usize) -> Option<(u64, usize)> {
    let bytes = file.get(start..end)?;
    let length = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let number =
        bytes[..length].iter().rev().fold(0_u64, |number, byte| number << 7 | u64::from(byte & 0x7f));
    Some((number, start + length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::detect::shipped;

    #[test]
    fn reads_what_the_shipped_model_takes() {
        let file = shipped::unpack().unwrap();
        assert_eq!(input_sides(&file), Some([Side::Fixed(416); 2]));
    }

    #[test]
    fn what_is_no_model_is_told_from_one() {
        let file = shipped::unpack().unwrap();
        for other in [b"".as_slice(), b"a shopping list\n", &file[..file.len() / 2], &file[1..], &[0; 100]] {
            assert_eq!(input_sides(other), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            // A graph, so that the depths are reached.
            let mut file = vec![0x3a, bytes.len() as u8 & 0x7f];
            file.extend(&bytes);
            let _ = (input_sides(&bytes), input_sides(&file));
        }
    }
}
