//! Questions to documents: JSON by `jsonpath`, HTML by `css`, XML by `xpath`.
