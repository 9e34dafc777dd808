//! Every reason for which a pattern is not valid, and where it is seen.

use stockade_pattern::{Dialect, Lint, Pattern, PatternErrorKind};

fn reason(pattern: &str) -> String {
    Pattern::parse(pattern).map_or_else(|error| error.reason().to_owned(), |_| "valid".into())
}

#[test]
fn objects_and_arrays() {
    for (pattern, expected) in [
        ("", "Filter is not an object"),
        ("[1]", "Filter is not an object"),
        ("\"a\"", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        (r#"{"a":{"b":{}}}"#, "Empty objects are not allowed"),
        (r#"{"a":[]}"#, "Empty arrays are not allowed"),
        (r#"{"a":"x"}"#, "\"a\" must be an object or an array"),
        (r#"{"d":{"a":null}}"#, "\"a\" must be an object or an array"),
        (r#"{"a":[["x"]]}"#, "Match value must be String, number, true, false, or null"),
        (r#"{"a":[{}]}"#, "Match expression name not found"),
        (r#"{"a":[{"prefix":"x","suffix":"y"}]}"#, "Only one key allowed in match expression"),
        (r#"{"a":[{"PREFIX":"x"}]}"#, "Unrecognized match type PREFIX"),
        (r#"{"a":[{"compare":{"equals":"b"}}]}"#, "Unrecognized match type compare"),
        (r#"{"a":[{"json":{"b":[1]}}]}"#, "Unrecognized match type json"),
        (r#"{"a":[{"exactly":null}]}"#, "exact match pattern must be a string"),
        (r#"{"a":["x", "y"], "$or":[{"b":[1]},{"c":[2]}]}"#, "valid"),
    ] {
        assert_eq!(reason(pattern), expected, "{pattern}");
    }
}

#[test]
fn operators() {
    for (condition, expected) in [
        (r#"{"prefix":1}"#, "prefix match pattern must be a string"),
        (r#"{"prefix":{}}"#, "Prefix expression name not found"),
        (r#"{"suffix":{}}"#, "Suffix expression name not found"),
        (r#"{"suffix":{"prefix":"x"}}"#, "Unsupported suffix pattern: prefix"),
        (r#"{"prefix":{"equals-ignore-case":null}}"#, "equals-ignore-case match pattern must be a string"),
        (r#"{"exists":null}"#, "exists match pattern must be either true or false."),
        (r#"{"cidr":7}"#, "prefix match pattern must be a string"),
        (r#"{"cidr":"10.0.0.0"}"#, "Malformed CIDR, one '/' required"),
        (r#"{"cidr":"10.0.0.0/"}"#, "Malformed CIDR, one '/' required"),
        (r#"{"cidr":"10.0.0.0/x"}"#, "Malformed CIDR, mask bits must be an integer"),
        (r#"{"cidr":"10.0.0.0/-8"}"#, "Malformed CIDR, mask bits must not be negative"),
        (r#"{"cidr":"10.0.0.0/32"}"#, "IPv4 mask bits must be < 32"),
        (r#"{"cidr":"10.0.0.0/300"}"#, "IPv4 mask bits must be < 32"),
        (r#"{"cidr":"2001:db8::/128"}"#, "IPv6 mask bits must be < 128"),
        (r#"{"cidr":"example.com/8"}"#, "Nonstandard IP address: example.com"),
        (r#"{"cidr":"999.0.0.0/8"}"#, "Invalid IP address: 999.0.0.0"),
        (r#"{"cidr":":::/8"}"#, "Invalid IP address: :::"),
        (r#"{"wildcard":"a***"}"#, "Consecutive wildcard characters at pos 2"),
        (r#"{"wildcard":"a\\b"}"#, "Invalid escape character at pos 2"),
        (r#"{"numeric":10}"#, "Value of numeric must be an array."),
        (r#"{"numeric":[]}"#, "Invalid member in numeric match: ]"),
        (r#"{"numeric":[1,"<="]}"#, "Invalid member in numeric match: 1"),
        (r#"{"numeric":["op"]}"#, "Unrecognized numeric range operator: op"),
        (r#"{"numeric":["=","0"]}"#, "Value of equals must be numeric"),
        (r#"{"numeric":[">="]}"#, "Value of >= must be numeric"),
        (r#"{"numeric":["<",100,">",10]}"#, "Too many elements in numeric expression"),
        (r#"{"numeric":["=",1,2]}"#, "Too many elements in numeric expression"),
        (r#"{"numeric":[">",20,30]}"#, "Bad value in numeric range: 30"),
        (r#"{"numeric":[">",20,true]}"#, "Bad value in numeric range: true"),
        (r#"{"numeric":[">=",1,">",2]}"#, "Bad numeric range operator: >"),
        (r#"{"numeric":[">",20,"test"]}"#, "Bad numeric range operator: test"),
        (r#"{"numeric":[">",20,"<="]}"#, "Value of <= must be numeric"),
        (r#"{"numeric":[">",20,"<","30"]}"#, "Value of < must be numeric"),
        (r#"{"numeric":[">",3,"<",1]}"#, "Bottom must be less than top"),
        (r#"{"numeric":[">=",5,"<=",5.0]}"#, "Bottom must be less than top"),
        (r#"{"numeric":[">",20,"<",30,"<",50]}"#, "Too many terms in numeric range expression"),
        (r#"{"numeric":["<",1e400]}"#, "Cannot compare number : 1e400"),
        (r#"{"numeric":["=",1],"x":2}"#, "Too many elements in numeric expression"),
        (r#"{"anything-but":{}}"#, "Anything-But expression name not found"),
        (
            r#"{"anything-but":false}"#,
            "Value of anything-but must be an array or single string/number value.",
        ),
        (
            r#"{"anything-but":{"prefix":null}}"#,
            "Value of anything-but must be an array or single string/number value.",
        ),
        (r#"{"anything-but":{"prefix":7}}"#, "prefix/suffix match pattern must be a string"),
        (r#"{"anything-but":{"suffix":["x",7]}}"#, "prefix/suffix match pattern must be a string"),
        (r#"{"anything-but":{"suffix":""}}"#, "Null prefix/suffix not allowed"),
        (r#"{"anything-but":{"wildcard":["x",7]}}"#, "wildcard match pattern must be a string"),
        (r#"{"anything-but":{"wildcard":"**"}}"#, "Consecutive wildcard characters at pos 1"),
        (
            r#"{"anything-but":{"equals-ignore-case":[7]}}"#,
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
        ),
        (r#"{"anything-but":[null]}"#, "Inside anything but list, start|null|boolean is not supported."),
        (
            r#"{"anything-but":["x",1]}"#,
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        ),
        (r#"{"anything-but":{"cidr":"10.0.0.0/8"}}"#, "Unsupported anything-but pattern: cidr"),
        (r#"{"anything-but":{"prefix":"x","suffix":"y"}}"#, "Too many elements in numeric expression"),
        (r#"{"anything-but":9007199254740993}"#, "Cannot compare number : 9007199254740993"),
    ] {
        assert_eq!(reason(&format!("{{\"a\":[{condition}]}}")), expected, "{condition}");
    }
}

#[test]
fn alternatives_of_objects() {
    for (or, expected) in [
        (r#"{"a":[1]}"#, "It must be an Array followed with $or."),
        (r#""x""#, "It must be an Array followed with $or."),
        (r#"["x"]"#, "Only JSON object is allowed in array of $or relationship."),
        ("[]", "There must have at least 2 Objects in $or relationship."),
        (r#"[{"a":[1]}]"#, "There must have at least 2 Objects in $or relationship."),
        (r#"[{"a":[1]},{}]"#, "Empty objects are not allowed"),
        (
            r#"[{"a":[1]},{"b":{"wildcard":[1]}}]"#,
            "wildcard is Ruler reserved fieldName which cannot be used inside $or.",
        ),
        (r#"[{"a":[1]},{"<=":[1]}]"#, "<= is Ruler reserved fieldName which cannot be used inside $or."),
        (
            r#"[{"a":[1]},{"$or":[{"date-after":[1]},{"c":[1]}]}]"#,
            "date-after is Ruler reserved fieldName which cannot be used inside $or.",
        ),
    ] {
        assert_eq!(reason(&format!("{{\"$or\":{or}}}")), expected, "{or}");
    }
    assert_eq!(reason(r#"{"wildcard":[1]}"#), "valid", "outside of $or any name will do");
}

#[test]
fn text_that_is_no_json() {
    let source =
        |text: &str, column: usize| format!("[Source: (String)\"{text}\"; line: 1, column: {column}])");
    let valid =
        "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
    for (pattern, expected) in [
        (r#"{"a":["x",]}"#, format!("Unexpected character (']' (code 93)): {valid}")),
        (r#"{"a":}"#, "Unexpected character ('}' (code 125)): expected a value".into()),
        (r#"{"a":['x']}"#, format!("Unexpected character (''' (code 39)): {valid}")),
        (r#"{"a":[1 2]}"#, "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries".into()),
        (r#"{"a":[1] "b":[2]}"#, "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries".into()),
        (r#"{"a":[1],}"#, "Unexpected character ('}' (code 125)): was expecting double-quote to start field name".into()),
        (r#"{a:[1]}"#, "Unexpected character ('a' (code 97)): was expecting double-quote to start field name".into()),
        (r#"{"a" [1]}"#, "Unexpected character ('[' (code 91)): was expecting a colon to separate field name and value".into()),
        (r#"{"a":[01]}"#, "Invalid numeric value: Leading zeroes not allowed".into()),
        (r#"{"a":[NaN]}"#, "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow".into()),
        (r#"{"a":[yes]}"#, "Unrecognized token 'yes': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')".into()),
        ("{\"a\":[\u{201c}x\u{201d}]}", format!("Unexpected character ('\u{201c}' (code 8220 / 0x201c)): {valid}")),
        ("{\"a\"\0:[1]}", "Illegal character ((CTRL-CHAR, code 0)): only regular white space (\\r, \\n, \\t) is allowed between tokens".into()),
        (r#"{"a":["\x"]}"#, "Unrecognized character escape 'x' (code 120)".into()),
        ("{\"a\":[\"\n\"]}", "Illegal unquoted character ((CTRL-CHAR, code 10)): has to be escaped using backslash to be included in string value".into()),
        (r#"{"a":[1}"#, format!("Unexpected close marker '}}': expected ']' (for Array starting at {}", source(r#"{"a":[1}"#, 6))),
        (r#"{"a":["x"#, "Unexpected end-of-input: was expecting closing quote for a string value".into()),
        (r#"{"a"#, "Unexpected end-of-input in field name".into()),
        (r#"{"a":"#, "Unexpected end-of-input within/between Object entries".into()),
        (r#"{"a":[1],"#, "Unexpected end-of-input within/between Object entries".into()),
        (r#"{"a":[1"#, format!("Unexpected end-of-input: expected close marker for Array (start marker at {}", source(r#"{"a":[1"#, 6))),
        (r#"{"a":[1]"#, format!("Unexpected end-of-input: expected close marker for Object (start marker at {}", source(r#"{"a":[1]"#, 1))),
    ] {
        let error = Pattern::parse(pattern).unwrap_err();
        assert_eq!(error.reason(), expected, "{pattern}");
        assert_eq!(error.kind(), PatternErrorKind::Syntax);
    }
}

#[test]
fn the_first_error_in_reading_order_is_told_with_its_place() {
    let error = Pattern::parse("{\n  \"é\": [\"x\", {\"prefix\": 3}],\n  \"b\": []\n").unwrap_err();
    assert_eq!(error.reason(), "prefix match pattern must be a string");
    let at = error.position();
    assert_eq!((at.line, at.column, at.byte), (2, 25, 27));
    assert_eq!(
        error.to_string(),
        "event pattern is not valid: prefix match pattern must be a string (line 2, column 25)"
    );
    let pattern = r#"{"a":"x"}"#;
    let message = Pattern::parse(pattern).unwrap_err().aws_message(pattern);
    assert_eq!(
        message,
        "Event pattern is not valid. Reason: \"a\" must be an object or an array\n at [Source: (String)\"{\"a\":\"x\"}\"; line: 1, column: 6]"
    );
}

#[test]
fn lints() {
    let lints = |pattern: &str| Pattern::parse_as(pattern, Dialect::Stockade).unwrap().lints().to_vec();
    assert_eq!(lints(r#"{"a":["x"],"b":["y"]}"#), []);
    assert_eq!(lints(r#"{"d":{"a":["x"]},"d.a":["y"]}"#), [Lint::Overridden { path: "d.a".into() }]);
    assert_eq!(
        lints(r#"{"a":[{"wildcard":"*:*:*:*:*:event-bus/*"}]}"#),
        [Lint::WildcardTooComplexForAws { stars: 6 }]
    );
    assert_eq!(
        lints(r#"{"a":[{"compare":{"differs":"b"}}],"b":[{"json":{"c":[1]}}]}"#),
        [Lint::NotEventBridge]
    );
    let long = format!("{{\"a\":[\"{}\"]}}", "é".repeat(2_048));
    assert_eq!(lints(&long), [Lint::TooLongForAws { chars: 2_058 }]);
}
