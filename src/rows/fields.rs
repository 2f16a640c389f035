//! Finds fields by the names and headings that people use.

use crate::api::field::Fields;
use crate::settings::names::folded_heading;

/// Returns the fields that only the service sets, except the id.
pub(super) fn by_service(fields: Fields) -> impl Iterator<Item = &'static str> + Clone {
    fields
        .by_service()
        .map(|field| field.name)
        .filter(|name| *name != "id")
}

pub(super) fn is_set_by_service(fields: Fields, name: &str) -> bool {
    fields.find(name).is_some_and(|field| field.by_service)
}

/// Returns whether a heading, normalized by [`folded_heading`], is that of a field that only the service sets.
pub(super) fn is_heading_of_service(fields: Fields, called: &str) -> bool {
    fields
        .by_service()
        .any(|field| folded_heading(field.heading) == called)
}

/// Returns the field that only the service sets and that a heading such as `Updated At` names, except the id.
pub(super) fn of_service(fields: Fields, heading: &str) -> Option<&'static str> {
    let called = folded_heading(heading);
    by_service(fields).find(|field| folded_heading(field) == called)
}

/// Returns whether a name consists of `ca` and a number, like the names that the service gives to custom
/// attributes.
pub(super) fn is_attribute(name: &str) -> bool {
    name.strip_prefix("ca").is_some_and(|number| {
        !number.starts_with('0') && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Strips the prefix of custom attributes, such as `customAttributes.`, from a name, if rows of this kind have them.
pub(super) fn bare(fields: Fields, name: &str) -> &str {
    match name.split_once('.') {
        Some((prefix, rest)) if fields.attributes() == Some(prefix) => rest,
        _ => name,
    }
}

/// Returns the field of a table that has this name or heading. The result is the same in every project.
pub(super) fn field_called(fields: Fields, name: &str) -> Option<usize> {
    fields
        .named(name)
        .or_else(|| fields.called(&folded_heading(bare(fields, name))))
}

/// Returns the known name closest to an unknown name, if any is close enough. `more` has names besides those of fields.
pub(super) fn nearest<'n>(
    fields: Fields,
    more: impl IntoIterator<Item = &'n str>,
    unknown: &str,
) -> Option<String> {
    let plain = folded_heading(unknown);
    let attributes = fields.attributes();
    if let Some(attributes) = attributes {
        let attribute = plain.strip_prefix(&*folded_heading(attributes)).unwrap_or(&plain);
        if is_attribute(attribute) {
            return Some(attribute.to_owned());
        }
    }
    let names = fields.settable().map(|(_, field)| field.name);
    names
        .chain(attributes)
        .chain(more)
        .map(|known| (distance_to(&plain, known), known))
        .filter(|(distance, known)| *distance <= known.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known.to_owned())
}

fn distance_to(unknown: &str, known: &str) -> usize {
    let known = folded_heading(known);
    // Users write "asset id" for `clientAssetId` and "status" for `statusId`.
    if unknown.len() >= 4 && known.contains(unknown) {
        return usize::from(unknown != known);
    }
    strsim::levenshtein(unknown, &known)
}

#[cfg(test)]
mod tests {
    use super::nearest;
    use crate::api::assets::FIELDS;
    use crate::api::relationships;

    fn of_asset(unknown: &str, id_column: Option<&str>) -> Option<String> {
        nearest(FIELDS, id_column, unknown)
    }

    #[test]
    fn nearest_ignores_case_spaces_and_underscores() {
        for (unknown, known) in [
            ("categoryid", Some("categoryId")),
            ("Category ID", Some("categoryId")),
            ("category_id", Some("categoryId")),
            ("Status", Some("statusId")),
            ("Asset ID", Some("clientAssetId")),
            ("descripton", Some("description")),
            ("bar code", Some("barcode")),
            ("CA 12", Some("ca12")),
            ("custom_attributes.ca3", Some("ca3")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(of_asset(unknown, None).as_deref(), known, "{unknown}");
        }
        assert_eq!(of_asset("assetid", Some("asset id")).as_deref(), Some("asset id"));
    }

    #[test]
    fn nearest_names_are_those_of_the_table() {
        for (unknown, known) in [
            ("From ID", Some("from_id")),
            ("form_id", Some("from_id")),
            ("CA 12", None),
            ("custom_attributes.ca3", None),
        ] {
            let near = nearest(relationships::FIELDS, [], unknown);
            assert_eq!(near.as_deref(), known, "{unknown}");
        }
    }
}
