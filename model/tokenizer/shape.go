package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// A shape says which fields a JSON object may have and which values each may take,
// as compact JSON. Together the shapes are the part of tokenizer.json that is read;
// whatever is not in them is refused, since ids would come out different without it.
type shape map[string][]string

const (
	absent = ""  // the field may be left out
	free   = "*" // any value but null will do here: other code reads it, or ids do not depend on it
)

var (
	topShape = shape{
		"version":        {absent, `"1.0"`},
		"truncation":     {absent, "null"},
		"padding":        {absent, "null"},
		"added_tokens":   {absent, free},
		"normalizer":     {absent, "null", free},
		"pre_tokenizer":  {absent, "null", free},
		"post_processor": {absent, "null", free},
		"decoder":        {absent, "null", free},
		"model":          {free},
	}
	addedShape = shape{
		"id":          {free},
		"content":     {free},
		"single_word": {"false", "true"},
		"lstrip":      {"false", "true"},
		"rstrip":      {"false", "true"},
		"normalized":  {"false", "true"},
		"special":     {"false", "true"},
	}

	nfcShape         = shape{"type": {`"NFC"`}}
	prependShape     = shape{"type": {`"Prepend"`}, "prepend": {free}}
	replaceShape     = shape{"type": {`"Replace"`}, "pattern": {free}, "content": {free}}
	normalizersShape = shape{"type": {`"Sequence"`}, "normalizers": {free}}
	literalShape     = shape{"String": {free}}
	regexShape       = shape{"Regex": {free}}

	wordsShape = shape{
		"type":      {`"WordLevel"`},
		"vocab":     {free},
		"unk_token": {free},
	}
	pairsShape = shape{
		"type":                      {absent, `"BPE"`},
		"dropout":                   {absent, "null"},
		"unk_token":                 {absent, "null", free},
		"continuing_subword_prefix": {absent, "null", `""`},
		"end_of_word_suffix":        {absent, "null", `""`},
		"fuse_unk":                  {absent, "false", "true"},
		"byte_fallback":             {absent, "false", "true"},
		"ignore_merges":             {absent, "false", "true"},
		"vocab":                     {free},
		"merges":                    {free},
	}
	// ByteLevel as a decoder or post-processor.
	byteLevelShape = shape{
		"type":             {`"ByteLevel"`},
		"add_prefix_space": {absent, "false", "true"},
		"trim_offsets":     {absent, "false", "true"},
		"use_regex":        {absent, "false", "true"},
	}
	// ByteLevel as a pre-tokenizer.
	byteLevelStepShape = shape{
		"type":             {`"ByteLevel"`},
		"add_prefix_space": {"false", "true"},
		"trim_offsets":     {absent, "false", "true"},
		"use_regex":        {absent, "false", "true"},
	}
	whitespaceShape    = shape{"type": {`"WhitespaceSplit"`, `"Whitespace"`}}
	pretokenizersShape = shape{"type": {`"Sequence"`}, "pretokenizers": {free}}
	digitsShape        = shape{"type": {`"Digits"`}, "individual_digits": {"false", "true"}}
	splitShape         = shape{
		"type":     {`"Split"`},
		"pattern":  {free},
		"behavior": {`"Isolated"`, `"Removed"`, `"MergedWithPrevious"`, `"MergedWithNext"`},
		"invert":   {"false"},
	}
	// Metaspace as a pre-tokenizer or decoder.
	metaspaceShape = shape{
		"type":             {`"Metaspace"`},
		"replacement":      {free},
		"str_rep":          {absent, free},
		"add_prefix_space": {absent, "null", "false", "true"},
		"prepend_scheme":   {absent, `"always"`, `"first"`, `"never"`},
		"split":            {absent, "null", "false", "true"},
	}

	byteFallbackShape = shape{"type": {`"ByteFallback"`}}
	fuseShape         = shape{"type": {`"Fuse"`}}
	stripShape        = shape{"type": {`"Strip"`}, "content": {free}, "start": {free}, "stop": {free}}
	decodersShape     = shape{"type": {`"Sequence"`}, "decoders": {free}}

	processorsShape = shape{"type": {`"Sequence"`}, "processors": {free}}
	templateShape   = shape{
		"type":           {`"TemplateProcessing"`},
		"single":         {free},
		"pair":           {free},
		"special_tokens": {free},
	}
)

// read returns the fields of an object that has this shape.
func (s shape) read(path string, data json.RawMessage) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if len(data) == 0 || json.Unmarshal(data, &fields) != nil || fields == nil {
		if path == "" {
			// The whole file: say what is wrong with it as JSON.
			if err := json.Unmarshal(data, &fields); err != nil {
				return nil, err
			}
		}
		return nil, unsupported(path, data)
	}
	if path != "" {
		path += "."
	}
	check := func(name string) error {
		raw, given := fields[name]
		if given {
			raw = compact(raw)
			fields[name] = raw
			given = string(raw) != "null"
		}
		is := func(value string) bool { return string(raw) == value } // makes no copy of a whole vocabulary
		if slices.ContainsFunc(s[name], is) || given && slices.Contains(s[name], free) {
			return nil
		}
		return unsupported(path+name, fields[name])
	}
	if _, ok := s["type"]; ok { // of another type the other fields mean nothing
		if err := check("type"); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Concat(slices.Sorted(maps.Keys(fields)), slices.Sorted(maps.Keys(s))) {
		if err := check(name); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

// decode reads a field that may have any value of the type of to.
func decode(path string, data json.RawMessage, to any) error {
	if len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// typeOf returns the field "type" of an object, which is what its other fields depend on.
func typeOf(path string, data json.RawMessage) (string, error) {
	var object *struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(data, &object) != nil || object == nil {
		return "", unsupported(path, data)
	}
	return object.Type, nil
}

func isNull(data json.RawMessage) bool { return len(data) == 0 || string(data) == "null" }

// unsupported is the error for the value of a field; it shows the start of a long one.
func unsupported(path string, data json.RawMessage) error {
	if path == "" {
		path = "the file"
	}
	if len(data) == 0 {
		return fmt.Errorf("%s: missing", path)
	}
	const limit = 200
	if data = compact(data); len(data) > limit {
		n := limit
		for !utf8.RuneStart(data[n]) {
			n--
		}
		data = append(slices.Clone(data[:n]), "..."...)
	}
	return fmt.Errorf("%s: %s is not supported", path, data)
}

func compact(data json.RawMessage) json.RawMessage {
	if isCompact(data) { // no copy of a whole vocabulary
		return data
	}
	var b bytes.Buffer
	if json.Compact(&b, data) != nil {
		return data
	}
	return b.Bytes()
}

func isCompact(data json.RawMessage) bool {
	inside := false // a string
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			inside = !inside
		case '\\':
			i++
		case ' ', '\t', '\n', '\r':
			if !inside {
				return false
			}
		}
	}
	return true
}

// quote writes a string as JSON, with < and > as they are.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
