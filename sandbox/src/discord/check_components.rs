fn row(errors: &mut FormErrors, row: &Value, path: &str, ids: &mut Vec<String>, v2: bool) {
    if row["type"].as_u64() != Some(1) {
        if !v2 {
            errors.add(&join(path, "type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1,).");
        }
        return;
    }
    errors.known(row, path, &["type", "components", "id"]);
    let list = errors.list(&row["components"], &join(path, "components"), 1, 5).to_vec();
    let selects = list.iter().filter(|it| matches!(it["type"].as_u64(), Some(3 | 5..=8))).count();
    if selects > 0 && list.len() > 1 {
        errors.add(
            &join(path, "components"),
            "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
            "The specified component exceeds the maximum width",
        );
    }
    for (index, component) in list.iter().enumerate() {
        let path = format!("{path}.components.{index}");
        match component["type"].as_u64() {
            Some(2) => button(errors, component, &path, ids),
            Some(3) => select(errors, component, &path, ids),
            Some(5..=8) => custom_id(errors, component, &path, ids),
            _ => errors.add(
                &join(&path, "type"),
                "UNION_TYPE_CHOICES",
                "Value of field \"type\" must be one of (2, 3, 5, 6, 7, 8).",
            ),
        }
    }
}

fn button(errors: &mut FormErrors, button: &Value, path: &str, ids: &mut Vec<String>) {
    errors.known(button, path, &["type", "style", "label", "emoji", "custom_id", "url", "disabled", "sku_id", "id"]);
    errors.text(&button["label"], &join(path, "label"), 0, 80);
    match button["style"].as_u64() {
        Some(1..=4) => custom_id(errors, button, path, ids),
        Some(5) => errors.url(&button["url"], &join(path, "url"), 512),
        _ => errors.add(&join(path, "style"), "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}."),
    }
    if button["label"].is_null() && button["emoji"].is_null() {
        errors.add(path, "BUTTON_COMPONENT_INVALID_LABEL", "A button needs a label or an emoji");
    }
}

fn custom_id(errors: &mut FormErrors, component: &Value, path: &str, ids: &mut Vec<String>) {
    errors.text(&component["custom_id"], &join(path, "custom_id"), 1, 100);
    let id = component["custom_id"].as_str().unwrap_or_default().to_owned();
    if ids.contains(&id) {
        errors.add(
            &join(path, "custom_id"),
            "COMPONENT_CUSTOM_ID_DUPLICATED",
            "Component custom id cannot be duplicated",
        );
    }
    ids.push(id);
}

fn select(errors: &mut FormErrors, select: &Value, path: &str, ids: &mut Vec<String>) {
    let known =
        ["type", "custom_id", "options", "placeholder", "min_values", "max_values", "disabled", "required", "id"];
    errors.known(select, path, &known);
    custom_id(errors, select, path, ids);
    errors.text(&select["placeholder"], &join(path, "placeholder"), 0, 150);
    let mut values = Vec::new();
    for (index, option) in errors.list(&select["options"], &join(path, "options"), 1, 25).to_vec().iter().enumerate() {
        let path = format!("{path}.options.{index}");
        errors.known(option, &path, &["label", "value", "description", "emoji", "default"]);
        errors.text(&option["label"], &join(&path, "label"), 1, 100);
        errors.text(&option["value"], &join(&path, "value"), 1, 100);
        errors.text(&option["description"], &join(&path, "description"), 0, 100);
        if values.contains(&option["value"]) {
            errors.add(
                &join(&path, "value"),
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            );
        }
        values.push(option["value"].clone());
    }
}

