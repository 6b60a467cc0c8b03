//! `unfold setup`: what a compiler needs to find unfold, and what to write where.
//!
//! gcc looks for a program called `ld` in the folders that `-B` names; clang for `ld.unfold`, which cargo cannot install
//! under that name.

use crate::print_line;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Make unfold the linker of your compilers, and say what to write where
///
/// Makes two links if they are not there: DIR/ld, which gcc finds by -BDIR, and ld.unfold beside this program, which clang finds by
/// --ld-path. Says how gcc, clang, cargo, CMake, meson and Bazel are told. Changes no settings.
#[derive(clap::Args)]
#[command(after_long_help = MORE)]
pub struct Args {
    /// The folder for `ld` (default: ../libexec/unfold, seen from the folder of this program)
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    folder: Option<PathBuf>,
}

const MORE: &str = "\
Examples:
  unfold setup
  unfold setup ~/unfold-as-ld && gcc -B$HOME/unfold-as-ld main.o -o app

Exit status:
  0    the links are there
  1    they could not be made";

pub fn setup(args: &Args) -> Result<()> {
    let linker = named_linker()?;
    let own = own_folder()?;
    let folder = match &args.folder {
        Some(folder) => std::path::absolute(folder).context("cannot find the current folder")?,
        None => own.parent().unwrap_or(&own).join("libexec/unfold"),
    };
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    link(&linker, &folder.join("ld"))?;
    // Words of settings files and shells: a path with a blank or a quote would have to be quoted in each its own way.
    let (ld, dir) = (linker.display(), folder.display());
    print_line!(
        "\
Any build, unchanged     unfold run -- make

gcc, g++                 gcc -B{dir} ...
clang, clang++           clang --ld-path={ld} ...

make, configure          LDFLAGS=-B{dir}
  with libtool           CC=\"gcc -B{dir}\"

cargo                    in .cargo/config.toml:
    [target.x86_64-unknown-linux-gnu]
    linker = \"gcc\"
    rustflags = [\"-Clink-arg=-B{dir}\"]

CMake                    cmake -S . -B build \\
    -DCMAKE_EXE_LINKER_FLAGS=-B{dir} -DCMAKE_SHARED_LINKER_FLAGS=-B{dir} -DCMAKE_MODULE_LINKER_FLAGS=-B{dir}
meson                    LDFLAGS=-B{dir} meson setup build        (clang: CC_LD={ld})
Bazel, with clang        bazel build --repo_env=CC=clang --linkopt=--ld-path={ld} \\
    --strategy=CppLink=local //..."
    );
    Ok(())
}

/// `ld.unfold` beside this program; makes the link of that name if only the program itself is there.
fn named_linker() -> Result<PathBuf> {
    let linker = linker()?;
    let named = linker.with_file_name("ld.unfold");
    if named != linker {
        link(Path::new("ld-unfold"), &named)?;
    }
    Ok(named)
}

/// The linker, beside this program: `ld.unfold`, or `ld-unfold` as cargo installs it.
pub fn linker() -> Result<PathBuf> {
    let folder = own_folder()?;
    let found =
        ["ld.unfold", "ld-unfold"].map(|name| folder.join(name)).into_iter().find(|path| path.exists());
    found.with_context(|| {
        format!(
            "cannot find ld.unfold in {}: install both programs (cargo install --path tools)",
            folder.display()
        )
    })
}

fn own_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find this program")?;
    Ok(own.parent().unwrap_or(Path::new("/")).to_owned())
}

/// Makes a link to the linker, or leaves one that leads there. What is there and no link of ours stays.
fn link(target: &Path, path: &Path) -> Result<()> {
    let is_ours = |old: &Path| old.file_name().is_some_and(|name| name == "ld.unfold" || name == "ld-unfold");
    match fs::read_link(path) {
        Ok(old) if old == target => return Ok(()),
        Ok(old) if is_ours(&old) => {
            fs::remove_file(path).with_context(|| format!("cannot replace {}", path.display()))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        // As a package has it.
        _ if path.canonicalize().is_ok_and(|old| named_linker_is(&old)) => return Ok(()),
        _ => {
            bail!("{} is there already, and is not unfold: remove it, or name another folder", path.display())
        }
    }
    match symlink(target, path) {
        // Another one has just made it.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
    .with_context(|| format!("cannot make {}", path.display()))
}

fn named_linker_is(path: &Path) -> bool {
    linker().and_then(|own| Ok(own.canonicalize()?)).is_ok_and(|own| own == path)
}
