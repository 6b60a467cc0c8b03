//! Many globs (glob(7)) that are compared with a name at once.

use super::matcher::Rank;
use std::collections::HashMap;

/// Globs, so that a name is only compared with those that begin as it does, or that begin with a wildcard and
/// end as it does.
#[derive(Default)]
pub struct Globs {
    forward: Tree,
    /// Of what is reversed.
    backward: Tree,
}

impl Globs {
    pub fn add(&mut self, glob: &[u8], rank: Rank) {
        let mut pieces = pieces(glob);
        if matches!(pieces.first(), Some(Piece::Byte(_))) {
            self.forward.add(pieces, rank);
        } else {
            pieces.reverse();
            self.backward.add(pieces, rank);
        }
    }

    pub fn find(&self, name: &[u8]) -> Option<Rank> {
        let reversed: Vec<u8> = name.iter().rev().copied().collect();
        self.forward.find(name).max(self.backward.find(&reversed))
    }

    pub fn is_empty(&self) -> bool {
        self.forward.nodes.is_empty() && self.backward.nodes.is_empty()
    }
}

/// A tree of the bytes that stand before the globs' first wildcards.
#[derive(Default)]
struct Tree {
    /// The first is the root.
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    children: HashMap<u8, u32>,
    /// What comes after the bytes that lead to this node.
    globs: Vec<(Vec<Piece>, Rank)>,
}

impl Tree {
    fn add(&mut self, pieces: Vec<Piece>, rank: Rank) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let plain = pieces.iter().map_while(|piece| match piece {
            Piece::Byte(byte) => Some(*byte),
            _ => None,
        });
        let (mut node, mut length) = (0, 0);
        for byte in plain {
            let next = self.nodes.len() as u32;
            let child = *self.nodes[node].children.entry(byte).or_insert(next);
            if child == next {
                self.nodes.push(Node::default());
            }
            (node, length) = (child as usize, length + 1);
        }
        self.nodes[node].globs.push((pieces[length..].to_vec(), rank));
    }

    fn find(&self, name: &[u8]) -> Option<Rank> {
        let mut best = None;
        let mut node = self.nodes.first();
        let mut rest = name;
        while let Some(here) = node {
            for (pieces, rank) in &here.globs {
                if best < Some(*rank) && matches(pieces, rest) {
                    best = Some(*rank);
                }
            }
            let Some((byte, after)) = rest.split_first() else { break };
            node = here.children.get(byte).and_then(|child| self.nodes.get(*child as usize));
            rest = after;
        }
        best
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    /// `?`
    One,
    /// `*`
    Any,
    /// `[...]`: whether it is negated, and ranges of bytes.
    Set(bool, Vec<(u8, u8)>),
}

fn pieces(glob: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = glob;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let piece = match first {
            b'*' if pieces.last() == Some(&Piece::Any) => continue,
            b'*' => Piece::Any,
            b'?' => Piece::One,
            b'\\' if !rest.is_empty() => {
                let byte = rest[0];
                rest = &rest[1..];
                Piece::Byte(byte)
            }
            b'[' => match set(rest) {
                Some((set, after)) => {
                    rest = after;
                    set
                }
                None => Piece::Byte(b'['),
            },
            _ => Piece::Byte(*first),
        };
        pieces.push(piece);
    }
    pieces
}

/// What follows `[`, if it is closed. A `]` that comes first does not close it.
fn set(text: &[u8]) -> Option<(Piece, &[u8])> {
    let negated = matches!(text.first()?, b'!' | b'^');
    let mut rest = &text[usize::from(negated)..];
    let mut ranges = Vec::new();
    loop {
        match rest {
            [b']', after @ ..] if !ranges.is_empty() => return Some((Piece::Set(negated, ranges), after)),
            [low, b'-', high, after @ ..] if *high != b']' => {
                ranges.push((*low, *high));
                rest = after;
            }
            [b'\\', byte, after @ ..] | [byte, after @ ..] => {
                ranges.push((*byte, *byte));
                rest = after;
            }
            [] => return None,
        }
    }
}

/// Whether the pieces are all of the text. Only the last `*` is ever tried again, for what an earlier one could reach
/// by taking more, this one can as well.
fn matches(pieces: &[Piece], text: &[u8]) -> bool {
    let (mut piece, mut at) = (0, 0);
    let mut again: Option<(usize, usize)> = None;
    loop {
        let is_match = match pieces.get(piece) {
            Some(Piece::Any) if piece + 1 == pieces.len() => return true,
            Some(Piece::Any) => {
                again = Some((piece + 1, at));
                piece += 1;
                continue;
            }
            Some(piece) => text.get(at).is_some_and(|byte| piece.is(*byte)),
            None if at == text.len() => return true,
            None => false,
        };
        match &mut again {
            _ if is_match => (piece, at) = (piece + 1, at + 1),
            Some((after, start)) if *start < text.len() => {
                *start += 1;
                (piece, at) = (*after, *start);
            }
            _ => return false,
        }
    }
}

impl Piece {
    fn is(&self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => *own == byte,
            Self::One => true,
            Self::Any => false,
            Self::Set(negated, ranges) => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&byte)) != *negated
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let is = |glob: &str, text: &str| matches(&pieces(glob.as_bytes()), text.as_bytes());
        for (glob, text) in [
            ("*", ""),
            ("a*", "a"),
            ("*b*b", "abbab"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[^a-c]x", "dx"),
            ("[]a]x", "]x"),
            ("[a-]", "-"),
            ("[\\]]", "]"),
            ("[f", "[f"),
            ("a\\*", "a*"),
            ("\\", "\\"),
            ("a*b*c?", "aXbYbZcc"),
        ] {
            assert!(is(glob, text), "{glob} {text}");
        }
        for (glob, text) in
            [("", "a"), ("a?", "a"), ("*b", "abc"), ("[a-c]x", "dx"), ("[!a]", ""), ("a\\*", "ab")]
        {
            assert!(!is(glob, text), "{glob} {text}");
        }
        // This is done at once, or never.
        assert!(!is(&"*a".repeat(100), &"a".repeat(99)));
        assert!(!is(&format!("{}b", "*a".repeat(100)), &"a".repeat(10_000)));
    }
}
