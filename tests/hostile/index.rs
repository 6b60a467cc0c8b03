//! An index whose files are changed so that all checksums are right.

use std::fs;
use std::path::{Path, PathBuf};

use shared::checksum::{checksum, sums_of};
use shared::plan::HEADER;
use shared::pod::bytes_of;
use unfold_tests::project::Project;
use unfold_tests::random::Random;

use crate::change::change_words;

pub fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Makes the second word of a file the checksum of all that follows.
pub fn seal(file: &mut [u8]) {
    if file.len() >= 16 {
        let sum = checksum(&file[16..]);
        file[8..16].copy_from_slice(&sum.to_le_bytes());
    }
}

/// The index of `app` in a project.
pub struct Index {
    app: PathBuf,
    /// Of the newest generation.
    pub folder: PathBuf,
    packs: PathBuf,
}

impl Index {
    pub fn of(project: &Project) -> Self {
        let index = project.path(".unfold");
        let list = |dir: &Path| -> Vec<PathBuf> {
            fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
        };
        let outputs = list(&index.join("outputs"));
        let of_app =
            |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("app-"));
        let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u64>().ok();
        let generations = list(outputs.iter().find(of_app).expect("the output has a folder"));
        let folder = generations.into_iter().filter(|path| number(path).is_some()).max_by_key(number);
        Self {
            app: project.path("app"),
            folder: folder.expect("it has a generation"),
            packs: index.join("packs"),
        }
    }

    /// Changes one of the files, and makes right what others say of it.
    pub fn change(&self, random: &mut Random) -> String {
        const FILES: [&str; 8] =
            ["plan", "plan", "patch", "changes", "state", "names", "needed", "functions"];
        let name = FILES[random.below(FILES.len())];
        let path = self.folder.join(name);
        if name == "plan" && random.below(3) == 0 {
            return self.change_pack(random);
        }
        if name == "plan" {
            let mut plan = fs::read(&path).expect("each generation has a plan");
            let len = word(&plan, 16) as usize;
            let changes = change_words(&mut plan, 16..=len - 1, random);
            self.write_plan(plan);
            return format!("plan with {changes}");
        }
        let Ok(mut contents) = fs::read(&path) else { return format!("no {name}") };
        let changes = change_words(&mut contents, 16..=usize::MAX, random);
        if name != "functions" {
            seal(&mut contents);
        }
        fs::write(&path, &contents).expect("it is ours");
        match name {
            "patch" => self.pin(1, word(&contents, 8)),
            // The state that the changes belong to.
            "state" => self.update("changes", |changes| changes[16..24].copy_from_slice(&contents[8..16])),
            _ => {}
        }
        format!("{name} with {changes}")
    }

    /// Changes a record, and pins the pack anew.
    fn change_pack(&self, random: &mut Random) -> String {
        let mut plan = fs::read(self.folder.join("plan")).expect("each generation has a plan");
        let [packs, strings] = [PACKS, STRINGS].map(|at| word(&plan, at) as usize);
        // The name, as offset and length, and the length of the records.
        let (name, len) = (word(&plan, packs), word(&plan, packs + 8) as usize);
        let name = &plan[strings + name as u32 as usize..][..(name >> 32) as usize];
        let path = self.packs.join(String::from_utf8_lossy(name).as_ref());
        let mut pack = fs::read(&path).expect("the plan names a pack that is there");
        let changes = change_words(&mut pack, 0..=len - 1, random);
        pack.truncate(len);
        let top = push_sums(&mut pack);
        fs::write(&path, pack).expect("it is ours");
        plan[packs + 16..packs + 24].copy_from_slice(&top.to_le_bytes());
        self.write_plan(plan);
        format!("{} with {changes}", path.display())
    }

    /// Writes a plan with its checksums, and whatever names the plan by them.
    pub fn write_plan(&self, mut plan: Vec<u8>) {
        let len = (word(&plan, 16) as usize).clamp(HEADER, plan.len());
        plan.truncate(len);
        let mut body = plan.split_off(HEADER);
        let top = push_sums(&mut body);
        plan[24..32].copy_from_slice(&top.to_le_bytes());
        seal(&mut plan);
        let sum = word(&plan, 8);
        plan.extend(body);
        fs::write(self.folder.join("plan"), plan).expect("it is ours");
        self.update("order", |order| order[16..24].copy_from_slice(&sum.to_le_bytes()));
        self.update("changed", |changed| changed[16..24].copy_from_slice(&sum.to_le_bytes()));
        self.update("patch", |patch| patch[24..32].copy_from_slice(&sum.to_le_bytes()));
        if let Ok(patch) = fs::read(self.folder.join("patch")) {
            self.pin(1, word(&patch, 8));
        }
        self.pin(0, sum);
    }

    /// Changes a file that has its checksum in the second word, if it is there.
    fn update(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.folder.join(name);
        if let Ok(mut contents) = fs::read(&path) {
            change(&mut contents);
            seal(&mut contents);
            fs::write(path, contents).expect("it is ours");
        }
    }

    /// Writes the checksum of the plan (0) or of the patch (1) into the executable, and into the copy of its head.
    fn pin(&self, which: usize, sum: u64) {
        const CONFIG: std::ops::Range<usize> = 0x1000..0x2000;
        for path in [self.app.clone(), self.folder.join("head")] {
            let mut contents = fs::read(&path).expect("it is there");
            let config = &mut contents[CONFIG];
            config[32 + 8 * which..40 + 8 * which].copy_from_slice(&sum.to_le_bytes());
            seal(config);
            if path != self.app {
                let sum = checksum(&contents[..CONFIG.end]);
                contents.truncate(CONFIG.end);
                contents.extend(sum.to_le_bytes());
            }
            fs::write(path, contents).expect("it is ours");
        }
    }
}

/// Where the header of a plan says where its packs are, and its strings.
const PACKS: usize = HEADER - 7 * 16;
const STRINGS: usize = HEADER - 16;

/// Appends the tables of checksums; returns that of the top one.
fn push_sums(bytes: &mut Vec<u8>) -> u64 {
    let sums: Vec<u64> = sums_of(bytes).collect();
    let top: Vec<u64> = sums_of(bytes_of(&sums)).collect();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend_from_slice(bytes_of(&sums));
    bytes.extend_from_slice(bytes_of(&top));
    checksum(bytes_of(&top))
}
