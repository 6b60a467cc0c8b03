//#Modes: pie nopie static
//#Flags: -Copt-level=1
//#Stdout: 1000 entries, sum 499500
//#Stdout: apple=1 pear=2 plum=3
//#Stdout: invalid digit found in string
//#Stdout: number too large to fit in target type
//#Stdout: None Some(255)
//#Stdout: 1.5 NaN inf
//#Stdout: sorted: ["a", "b", "c"]
//#Stdout: naïve ☃
use std::collections::{BTreeMap, HashMap};

fn main() {
    let map: HashMap<u64, u64> = (0..1000).map(|i| (i, i)).collect();
    println!("{} entries, sum {}", map.len(), map.values().sum::<u64>());
    let fruit = BTreeMap::from([("plum", 3), ("apple", 1), ("pear", 2)]);
    let fruit: Vec<String> = fruit.iter().map(|(name, count)| format!("{name}={count}")).collect();
    println!("{}", fruit.join(" "));
    println!("{}", "12x".parse::<i32>().unwrap_err());
    println!("{}", "300".parse::<u8>().unwrap_err());
    println!("{:?} {:?}", 255u8.checked_add(1), 254u8.checked_add(1));
    println!("{} {} {}", "1.5".parse::<f64>().unwrap(), f64::NAN, f64::INFINITY);
    let mut words = vec!["c", "a", "b"];
    words.sort();
    println!("sorted: {words:?}");
    println!("{}", ["naïve", "☃"].join(" "));
}
