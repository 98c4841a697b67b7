//! A picture: one frame as planar YUV 4:2:0, 8 bit, full range, BT.601 (what JPEG holds).

/// Holds the three planes without padding between rows.
///
/// Luma has `width × height` bytes; each chroma plane has
/// [`chroma_width`](Self::chroma_width) `×` [`chroma_height`](Self::chroma_height).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub y: Vec<u8>,
    pub u: Vec<u8>,
    pub v: Vec<u8>,
}

impl Picture {
    /// Makes a picture of one colour; black is `[0, 128, 128]`.
    pub fn filled(width: usize, height: usize, [y, u, v]: [u8; 3]) -> Self {
        let chroma = half(width) * half(height);
        Self { width, height, y: vec![y; width * height], u: vec![u; chroma], v: vec![v; chroma] }
    }

    /// Half the width, rounded up: an odd last column has a chroma sample of its own.
    pub fn chroma_width(&self) -> usize {
        half(self.width)
    }

    /// Half the height, rounded up.
    pub fn chroma_height(&self) -> usize {
        half(self.height)
    }
}

fn half(length: usize) -> usize {
    length.div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_round_chroma_up() {
        let picture = Picture::filled(5, 3, [16, 128, 129]);
        assert_eq!((picture.chroma_width(), picture.chroma_height()), (3, 2));
        assert_eq!((picture.y.len(), picture.u.len(), picture.v.len()), (15, 6, 6));
        assert_eq!((picture.y[0], picture.u[0], picture.v[0]), (16, 128, 129));
    }
}
