//! ONNX Runtime's library: looked at before it is used. The binding waits for itself without end where a library
//! cannot be loaded or is too old.
#![expect(unsafe_code, reason = "to load a library is to run its code")]

use std::ffi::CStr;
use std::path::Path;

use libloading::{Library, Symbol};
use ort::sys::OrtApiBase;

use super::DetectError;
use crate::error::chain;

/// Of 1.x; what the binding is built for, see the workspace's Cargo.toml.
const LEAST_MINOR: u32 = 18;

/// Loads the library, once for the whole process. Blocks while it does.
pub(crate) fn load(library: &Path) -> Result<(), DetectError> {
    let refused = |reason: String| DetectError::Runtime { path: library.to_owned(), reason };
    let version = version(library).map_err(|error| refused(chain(&error)))?;
    if !is_recent(&version) {
        return Err(refused(format!("its version is {version}")));
    }
    let environment = ort::init_from(library).map_err(|error| refused(error.to_string()))?;
    environment.with_telemetry(false).commit();
    Ok(())
}

fn is_recent(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse);
    matches!((numbers.next(), numbers.next()), (Some(Ok(1)), Some(Ok(minor))) if minor >= LEAST_MINOR)
}

/// Asks the library for its version.
fn version(library: &Path) -> Result<String, libloading::Error> {
    type GetApiBase = unsafe extern "C" fn() -> *const OrtApiBase;
    // SAFETY: the operator has named it as ONNX Runtime's; whoever may write the settings may run programs.
    let loaded = unsafe { Library::new(library) }?;
    // SAFETY: the function has this type in every version of ONNX Runtime, and takes nothing.
    let get: Symbol<'_, GetApiBase> = unsafe { loaded.get(b"OrtGetApiBase\0") }?;
    // SAFETY: as above; what it returns is a constant of the library, or null.
    let base = unsafe { get().as_ref() };
    let version = base.map(|base| {
        // SAFETY: it returns a constant of the library, which is still loaded here.
        unsafe { CStr::from_ptr((base.GetVersionString)()) }.to_string_lossy().into_owned()
    });
    // it is wanted at once, and to unload it would run its code as well
    std::mem::forget(loaded);
    Ok(version.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_onnx_runtime_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("list.so");
        std::fs::write(&text, "eggs, milk, bread\n").unwrap();
        let libc = Path::new("libc.so.6");
        for (library, word) in
            [(text.as_path(), "list.so"), (Path::new("/gone.so"), "gone.so"), (libc, "OrtGetApiBase")]
        {
            let refused = load(library).unwrap_err().to_string();
            assert!(refused.contains("`detect.onnxruntime`") && refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn versions_are_told_from_one_another() {
        assert!(is_recent("1.18.0") && is_recent("1.32.1") && is_recent("1.20"));
        assert!(!is_recent("1.17.3") && !is_recent("1.9.0") && !is_recent("2.0.0") && !is_recent(""));
    }
}
