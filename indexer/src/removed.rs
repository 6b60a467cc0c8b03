//! Folders that tools make for one build and remove when they have taken the program from it: with them goes the index,
//! without which a program that has not settled does not start. So the link itself settles what is linked there.

use std::path::Path;

/// First letters of such a folder's name, and how many random ones follow. Only what was seen in the tools themselves.
const FOLDERS: [(&str, usize); 3] = [
    // `cargo install` of a package from a registry or from git. With a target folder of the user's it makes none.
    ("cargo-install", 6),
    // pip: packages that it downloads, and archives of sources or repositories that it is given.
    ("pip-install-", 8),
    ("pip-req-build-", 8),
];

/// Whether `output` lies in a folder that is removed after the build.
pub fn after_build(output: &Path) -> bool {
    let output = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
    let is_random = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_removed = |name: &str| {
        FOLDERS.iter().any(|(start, random)| {
            name.strip_prefix(start).is_some_and(|rest| rest.len() == *random && is_random(rest))
        })
    };
    let folders = output.parent().into_iter().flat_map(Path::components);
    folders.filter_map(|folder| folder.as_os_str().to_str()).any(is_removed)
}

#[cfg(test)]
mod tests {
    use super::after_build;
    use std::path::Path;

    #[test]
    fn folders_of_one_build() {
        for removed in [
            "/tmp/cargo-installUZZ904/release/deps/huge-46f6638eaa429a4e",
            "/var/tmp/cargo-install95mBcl/release/build/x-0123456789abcdef/build_script_build-0123456789abcdef",
            "/tmp/pip-req-build-d_q04elm/build/app",
            "/tmp/pip-install-abcd_123/name_0123456789abcdef0123456789abcdef/app",
        ] {
            assert!(after_build(Path::new(removed)), "{removed}");
        }
        for stays in [
            "/home/me/cargo-install/target/release/app",
            "/home/me/cargo-installer/app",
            "/home/me/cargo-install-tests/app",
            "/home/me/cargo-install-ab12/app",
            "/home/me/bin/cargo-installUZZ904",
            "/home/me/pip-install-app/app",
            "app",
            "/",
        ] {
            assert!(!after_build(Path::new(stays)), "{stays}");
        }
    }
}
