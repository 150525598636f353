//! Names of a module's entry points.

/// The exported entry of a module for one of CPython's two hooks: `hook` is `PyInit` or `PyModExport`. `name` may be dotted; the last part
/// counts. ASCII names give `PyInit_name`; others `PyInitU_` and the name in punycode with `_` for `-` (PEP 489).
pub fn entry(hook: &str, name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    if last.is_ascii() {
        format!("{hook}_{last}")
    } else {
        format!("{hook}U_{}", punycode(last).replace('-', "_"))
    }
}

/// RFC 3492, with the parameters of section 5.
fn punycode(text: &str) -> String {
    const BASE: u32 = 36;
    let digit = |d: u32| {
        char::from(if d < 26 {
            b'a' + d as u8
        } else {
            b'0' + (d - 26) as u8
        })
    };
    let mut out: String = text.chars().filter(char::is_ascii).collect();
    let basic = out.len() as u32;
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut done) = (0x80u32, 0u32, 72u32, basic);
    let total = text.chars().count() as u32;
    while done < total {
        let next = text
            .chars()
            .map(u32::from)
            .filter(|&c| c >= n)
            .min()
            .expect("some character is left");
        delta += (next - n) * (done + 1);
        n = next;
        for c in text.chars().map(u32::from) {
            if c < n {
                delta += 1;
            }
            if c != n {
                continue;
            }
            let mut q = delta;
            for k in (BASE..).step_by(BASE as usize) {
                let t = if k <= bias { 1 } else { (k - bias).min(26) };
                if q < t {
                    break;
                }
                out.push(digit(t + (q - t) % (BASE - t)));
                q = (q - t) / (BASE - t);
            }
            out.push(digit(q));
            // Section 6.1: the bias follows the deltas.
            delta = if done == basic {
                delta / 700
            } else {
                delta / 2
            };
            delta += delta / (done + 1);
            let mut k = 0;
            while delta > (BASE - 1) * 26 / 2 {
                delta /= BASE - 1;
                k += BASE;
            }
            bias = k + BASE * delta / (delta + 38);
            delta = 0;
            done += 1;
        }
        delta += 1;
        n += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As CPython's importer computes them.
    #[test]
    fn entries_are_those_the_importer_looks_for() {
        for (name, want) in [
            ("pymult", "PyInit_pymult"),
            ("pkg._speed", "PyInit__speed"),
            ("café", "PyInitU_caf_dma"),
            ("日", "PyInitU_wgv"),
            ("テスト", "PyInitU_zckzah"),
            ("naïve_x", "PyInitU_nave_x_jwa"),
        ] {
            assert_eq!(entry("PyInit", name), want);
        }
    }
}
