//! Expressions of the command line (GNU ld's manual, "Expressions in Linker Scripts"): numbers, symbols, and what
//! can be calculated before addresses are known.

use anyhow::{Context, Result, bail};

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expression {
    Number(u64),
    /// So many bytes from a symbol.
    Symbol(String, i64),
    /// More than we can say before the layout: GNU ld can.
    Other,
}

use Expression::{Number, Other, Symbol};

/// A number as ld writes it: decimal, 0x..., octal with a leading 0, a letter for the base at the end, K or M.
pub fn number(text: &str) -> Option<u64> {
    let hex = ["0x", "0X", "$"].iter().find_map(|prefix| text.strip_prefix(prefix));
    if let Some(digits) = hex {
        return scaled(digits, 16);
    }
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let suffixed = [(['h', 'H'], 16), (['o', 'O'], 8), (['b', 'B'], 2), (['d', 'D'], 10)]
        .iter()
        .find_map(|(letters, base)| Some((text.strip_suffix(letters)?, *base)))
        .and_then(|(digits, base)| scaled(digits, base));
    let octal = text.strip_prefix('0').filter(|digits| !digits.is_empty());
    suffixed.or_else(|| octal.map_or_else(|| scaled(text, 10), |digits| scaled(digits, 8)))
}

fn scaled(text: &str, base: u32) -> Option<u64> {
    let (digits, scale) = match text.as_bytes().last()? {
        b'K' | b'k' => (&text[..text.len() - 1], 1 << 10),
        b'M' | b'm' => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    if !digits.starts_with(|first: char| first.is_digit(base)) {
        return None;
    }
    Some(u64::from_str_radix(digits, base).ok()?.wrapping_mul(scale))
}

/// Reads `SYMBOL=EXPRESSION`; `None`: what only a linker script can say.
pub fn assignment(text: &str) -> Result<Option<(String, Expression)>> {
    let read = || -> Result<Option<(String, Expression)>> {
        let Some((name, meaning)) = text.split_once('=') else {
            bail!("syntax error: expected SYMBOL=EXPRESSION")
        };
        if name.trim_start().starts_with("PROVIDE") {
            return Ok(None);
        }
        let Symbol(name, 0) = parse(name)? else { bail!("syntax error at `{name}', which is no symbol") };
        let meaning = parse(meaning)?;
        Ok((meaning != Other).then_some((name, meaning)))
    };
    read().with_context(|| format!("--defsym:1: {text}"))
}

/// Reads an expression.
pub fn parse(text: &str) -> Result<Expression> {
    let mut parser = Parser { rest: text.trim() };
    let value = parser.choice()?;
    if !parser.rest.is_empty() {
        bail!("syntax error at `{}'", parser.rest);
    }
    Ok(value)
}

struct Parser<'a> {
    rest: &'a str,
}

/// The operators by how closely they bind, the loosest first; of those that begin alike the longer comes first.
const OPERATORS: [&[&str]; 9] =
    [&["||"], &["&&"], &["|"], &["^"], &["&"], &["==", "!="], &["<<", ">>"], &["+", "-"], &["*", "/", "%"]];

impl<'a> Parser<'a> {
    fn take(&mut self, token: &str) -> bool {
        let found = self.rest.strip_prefix(token);
        if let Some(rest) = found {
            self.rest = rest.trim_start();
        }
        found.is_some()
    }

    fn choice(&mut self) -> Result<Expression> {
        let condition = self.binary(0)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let yes = self.choice()?;
        if !self.take(":") {
            bail!("syntax error: `:' is missing");
        }
        let no = self.choice()?;
        Ok(match condition {
            Number(0) => no,
            Number(_) => yes,
            _ => Other,
        })
    }

    fn binary(&mut self, level: usize) -> Result<Expression> {
        let Some(operators) = OPERATORS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        'next: loop {
            for operator in *operators {
                // `a||b` is not `a|` and `|b`.
                let doubled = operator.len() == 1 && self.rest.starts_with(&operator.repeat(2));
                if matches!(*operator, "|" | "&") && doubled || !self.take(operator) {
                    continue;
                }
                let right = self.binary(level + 1)?;
                left = apply(operator, left, right)?;
                continue 'next;
            }
            return Ok(left);
        }
    }

    fn unary(&mut self) -> Result<Expression> {
        let Some(first) = self.rest.chars().next() else { bail!("syntax error at the end") };
        if self.take("(") {
            let inner = self.choice()?;
            if !self.take(")") {
                bail!("syntax error: `)' is missing");
            }
            return Ok(inner);
        }
        if self.take("-") {
            return apply("-", Number(0), self.unary()?);
        }
        if self.take("+") {
            return self.unary();
        }
        if self.take("~") {
            return Ok(match self.unary()? {
                Number(value) => Number(!value),
                _ => Other,
            });
        }
        if self.take("!") {
            return Ok(match self.unary()? {
                Number(value) => Number((value == 0).into()),
                _ => Other,
            });
        }
        if let Some(quoted) = self.rest.strip_prefix('"') {
            let Some((name, rest)) = quoted.split_once('"') else { bail!("syntax error: `\"' is missing") };
            self.rest = rest.trim_start();
            return Ok(Symbol(name.to_owned(), 0));
        }
        let is_part = |c: char| c.is_alphanumeric() || "_.$@".contains(c);
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            bail!("syntax error at `{}'", self.rest);
        }
        self.rest = rest.trim_start();
        if first.is_ascii_digit() || (first == '$' && number(word).is_some()) {
            let Some(value) = number(word) else { bail!("syntax error: bad number `{word}'") };
            return Ok(Number(value));
        }
        // Functions of linker scripts, and the place that the script is at.
        if self.rest.starts_with('(') {
            self.unary()?;
            return Ok(Other);
        }
        Ok(if word == "." { Other } else { Symbol(word.to_owned(), 0) })
    }
}

fn apply(operator: &str, left: Expression, right: Expression) -> Result<Expression> {
    let (a, b) = match (operator, left, right) {
        (_, Number(a), Number(b)) => (a, b),
        ("+", Symbol(name, offset), Number(more)) | ("+", Number(more), Symbol(name, offset)) => {
            return Ok(Symbol(name, offset.wrapping_add(more as i64)));
        }
        ("-", Symbol(name, offset), Number(less)) => {
            return Ok(Symbol(name, offset.wrapping_sub(less as i64)));
        }
        _ => return Ok(Other),
    };
    if matches!(operator, "/" | "%") && b == 0 {
        bail!("{operator} by zero");
    }
    Ok(Number(match operator {
        "+" => a.wrapping_add(b),
        "-" => a.wrapping_sub(b),
        "*" => a.wrapping_mul(b),
        "/" => (a as i64).wrapping_div(b as i64) as u64,
        "%" => (a as i64).wrapping_rem(b as i64) as u64,
        "<<" => a.checked_shl(b as u32).unwrap_or(0),
        ">>" => a.checked_shr(b as u32).unwrap_or(0),
        "&" => a & b,
        "|" => a | b,
        "^" => a ^ b,
        "==" => (a == b).into(),
        "!=" => (a != b).into(),
        "&&" => (a != 0 && b != 0).into(),
        _ => (a != 0 || b != 0).into(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let read = ["12", "0x1f", "010", "2K", "0x1M", "0", "1fh", "101b", "$ff", "12abc", "main", "0x"];
        let values: Vec<_> = read.iter().map(|text| number(text)).collect();
        let numbers = [12, 31, 8, 2048, 1 << 20, 0, 31, 5, 255].map(Some);
        assert_eq!(values, [&numbers[..], &[None; 3]].concat());
    }

    #[test]
    fn expressions() {
        let numbers = [
            ("1+2*3", 7),
            ("(1+2)*3", 9),
            ("1 << 4 | 3", 19),
            ("-1", u64::MAX),
            ("~0 & 0xff", 255),
            ("7 % 4 - 1", 2),
            ("6^3", 5),
            ("2 || 0", 1),
            ("1 ? 2 : 3", 2),
        ];
        for (text, value) in numbers {
            assert_eq!(parse(text).unwrap(), Number(value), "{text}");
        }
        assert_eq!(parse("main").unwrap(), Symbol("main".into(), 0));
        assert_eq!(parse("4 + main-0x10").unwrap(), Symbol("main".into(), -12));
        assert_eq!(parse("\"a b\"+1").unwrap(), Symbol("a b".into(), 1));
        for other in ["a ? 1 : 2", "a == 1", "a-b", "a*2", "ADDR(.text)", ".", "~a"] {
            assert_eq!(parse(other).unwrap(), Other, "{other}");
        }
        assert_eq!(assignment("a = b").unwrap(), Some(("a".into(), Symbol("b".into(), 0))));
        assert_eq!(assignment("a=ADDR(.text)").unwrap(), None);
        for wrong in ["a", "=1", "1=2", "a=", "a=b+", "a+1=2"] {
            assert!(assignment(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "1+", "(1", "1 2", "12abc", "1/0", "*"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
