//! Quantities as people write them: `5ms`, `64KiB`, `20krps`, `1%`.
//!
//! A quantity has a dimension, and a number without one of its units is refused, since 5 is neither 5 µs nor 5 ms. What
//! is read comes in the base unit of its dimension, the first one listed.

/// What a quantity is a quantity of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// In nanoseconds.
    Time,
    /// In bytes.
    Memory,
    /// In requests per second.
    Rate,
    /// A part of one.
    Share,
}

impl Dimension {
    /// The units, and how much of the base unit each is.
    fn units(self) -> &'static [(&'static str, f64)] {
        const KIB: f64 = 1024.0;
        match self {
            Dimension::Time => &[
                ("ns", 1.0),
                ("us", 1e3),
                ("µs", 1e3),
                ("ms", 1e6),
                ("s", 1e9),
            ],
            Dimension::Memory => &[
                ("B", 1.0),
                ("kB", 1e3),
                ("MB", 1e6),
                ("GB", 1e9),
                ("KiB", KIB),
                ("MiB", KIB * KIB),
                ("GiB", KIB * KIB * KIB),
            ],
            Dimension::Rate => &[("rps", 1.0), ("krps", 1e3), ("Mrps", 1e6)],
            Dimension::Share => &[("%", 0.01)],
        }
    }

    /// Its units in a sentence.
    #[must_use]
    pub fn units_listed(self) -> String {
        let names: Vec<&str> = self.units().iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    /// Reads a quantity, with or without a space before its unit.
    ///
    /// # Errors
    /// When it is no number of 0 or more with a unit of this dimension, with the units that there are.
    pub fn parse(self, text: &str) -> Result<f64, String> {
        let text = text.trim();
        let digits = text
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .unwrap_or(text.len());
        let (number, unit) = (&text[..digits], text[digits..].trim());
        let refused = || {
            format!(
                "`{text}` is no quantity with one of the units {}",
                self.units_listed()
            )
        };
        let (_, factor) = self
            .units()
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(refused)?;
        number
            .parse::<f64>()
            .map(|number| number * factor)
            .map_err(|_| refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_in_their_base_units() {
        for (dimension, text, value) in [
            (Dimension::Time, "5ms", 5e6),
            (Dimension::Time, "1.5 µs", 1_500.0),
            (Dimension::Memory, "64KiB", 65_536.0),
            (Dimension::Memory, "32MB", 32e6),
            (Dimension::Rate, "20krps", 20_000.0),
            (Dimension::Share, "2%", 0.02),
        ] {
            assert_eq!(dimension.parse(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn a_quantity_needs_a_number_and_a_unit_of_its_dimension() {
        for (dimension, text) in [
            (Dimension::Time, "5"),
            (Dimension::Time, "5MiB"),
            (Dimension::Time, "-5ms"),
            (Dimension::Memory, "MiB"),
            (Dimension::Memory, "1.2.3MiB"),
            (Dimension::Share, ""),
        ] {
            let error = dimension.parse(text).unwrap_err();
            assert!(error.contains(&dimension.units_listed()), "{error}");
        }
    }
}
