package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A normalizer rewrites the text between added tokens before it is cut into pieces.
type normalizer func(text string) string

// readNormalizer reads the normalizer of a tokenizer.json; nil leaves text as it is.
func readNormalizer(path string, data json.RawMessage) (normalizer, error) {
	if isNull(data) {
		return nil, nil
	}
	name, err := typeOf(path, data)
	if err != nil {
		return nil, err
	}
	switch name {
	case "NFC":
		_, err := nfcShape.read(path, data)
		return composed, err
	case "Prepend": // to text that is not empty, and no other gets here
		fields, err := prependShape.read(path, data)
		if err != nil {
			return nil, err
		}
		var prefix string
		err = decode(path+".prepend", fields["prepend"], &prefix)
		return func(text string) string { return prefix + text }, err
	case "Replace":
		return readReplace(path, data)
	case "Sequence":
		fields, err := normalizersShape.read(path, data)
		if err != nil {
			return nil, err
		}
		var steps []json.RawMessage
		if err := decode(path+".normalizers", fields["normalizers"], &steps); err != nil {
			return nil, err
		}
		all := make([]normalizer, len(steps))
		for i, step := range steps {
			at := fmt.Sprintf("%s.normalizers[%d]", path, i)
			if isNull(step) {
				return nil, unsupported(at, step)
			}
			if all[i], err = readNormalizer(at, step); err != nil {
				return nil, err
			}
		}
		return func(text string) string {
			for _, n := range all {
				text = n(text)
			}
			return text
		}, nil
	}
	return nil, unsupported(path+".type", []byte(quote(name)))
}

// readReplace reads a Replace, which is a normalizer and a decoder too.
func readReplace(path string, data json.RawMessage) (normalizer, error) {
	fields, err := replaceShape.read(path, data)
	if err != nil {
		return nil, err
	}
	from, err := readLiteral(path+".pattern", fields["pattern"])
	if err != nil {
		return nil, err
	}
	var to string
	err = decode(path+".content", fields["content"], &to)
	return func(text string) string { return strings.ReplaceAll(text, from, to) }, err
}

// readLiteral reads a pattern that is a string.
func readLiteral(path string, data json.RawMessage) (string, error) {
	fields, err := literalShape.read(path, data)
	if err != nil {
		return "", err
	}
	var s string
	if err := decode(path+".String", fields["String"], &s); err != nil {
		return "", err
	}
	if s == "" {
		return "", unsupported(path+".String", fields["String"])
	}
	return s, nil
}
