//! The circles that were found in cameras' pictures: each is found once, then stands, for every process.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{Catalog, CatalogError};

/// Where a camera's lens draws, in ten-thousandths: the centre of width and height, the radius of the width.
/// Whole numbers, because what is stored and read again must decide for the very same pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundCircle {
    pub center: [i64; 2],
    pub radius: i64,
}

impl Catalog {
    /// Keeps a circle unless another process was faster. Returns the one that stands.
    pub fn remember_circle(&self, camera: &str, found: FoundCircle) -> Result<FoundCircle, CatalogError> {
        self.write("remember a lens's circle", |t| {
            if let Some(standing) = read(t, camera)? {
                return Ok(standing);
            }
            let values = [found.center[0], found.center[1], found.radius];
            for (name, value) in names(camera).iter().zip(values) {
                t.execute("INSERT OR REPLACE INTO note VALUES (?1, ?2)", params![name, value])?;
            }
            Ok(found)
        })
    }

    pub fn circle_of(&self, camera: &str) -> Result<Option<FoundCircle>, CatalogError> {
        self.read("read a lens's circle", |c| read(c, camera))
    }
}

fn read(c: &Connection, camera: &str) -> rusqlite::Result<Option<FoundCircle>> {
    let value = |name: &String| {
        c.query_row("SELECT value FROM note WHERE name = ?1", [name], |row| row.get::<_, i64>(0)).optional()
    };
    let [x, y, radius] = names(camera);
    let (Some(x), Some(y), Some(radius)) = (value(&x)?, value(&y)?, value(&radius)?) else {
        return Ok(None);
    };
    Ok(Some(FoundCircle { center: [x, y], radius }))
}

/// A camera's id holds no blank.
fn names(camera: &str) -> [String; 3] {
    ["x", "y", "radius"].map(|part| format!("circle {camera} {part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_circle_of_a_camera_stands() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = [0, 1].map(|_| Catalog::open(folder.path()).unwrap());
        let [found, other] = [5012, 5013].map(|x| FoundCircle { center: [x, 4987], radius: 4801 });
        assert_eq!(second.circle_of("gate").unwrap(), None);
        assert_eq!(first.remember_circle("gate", found).unwrap(), found);
        assert_eq!(second.remember_circle("gate", other).unwrap(), found);
        assert_eq!(second.remember_circle("yard", other).unwrap(), other);
        assert_eq!(second.circle_of("gate").unwrap(), Some(found));
    }
}
