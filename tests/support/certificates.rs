//! A certificate authority of our own.

use std::path::Path;
use std::process::Command;

/// Makes `ca.pem` in a folder, and `leaf.pem` with `leaf.key`, which it has signed for 127.0.0.1.
pub(crate) fn make_certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let made = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(folder)
            .output()
            .expect("openssl is installed: see scripts/setup.sh test");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    std::fs::write(folder.join("leaf.ext"), "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
        .unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=ours"));
    openssl(&format!("req {key} -keyout leaf.key -out leaf.csr -subj /CN=127.0.0.1"));
    openssl(
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile leaf.ext -out leaf.pem",
    );
}
