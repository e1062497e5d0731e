package coat

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// An Outcome says how an attempt ended. In JSON and other text it is a word: "wrong",
// "right" or, for [Unknown], "unknown". The numbers 1, 2 and 0, which older files have in
// their place, are read as well. Everything else is an error.
type Outcome uint8

// The outcomes.
const (
	Unknown Outcome = iota // not judged; of a start: it was cut from no attempt
	Wrong                  // a start with it is of D−
	Right                  // a start with it is of D+
)

// outcomeWords are the outcomes as text.
var outcomeWords = [...]string{"unknown", "wrong", "right"}

// String returns "wrong", "right" or, for [Unknown], "original": where starts are counted
// by the outcome that they were cut from, those without one are the original ones.
func (o Outcome) String() string {
	switch {
	case o == Unknown:
		return "original"
	case int(o) < len(outcomeWords):
		return outcomeWords[o]
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// MarshalText writes an outcome as a word. A value that is no outcome is an error.
func (o Outcome) MarshalText() ([]byte, error) {
	if int(o) >= len(outcomeWords) {
		return nil, o.fault(uint8(o))
	}
	return []byte(outcomeWords[o]), nil
}

// UnmarshalText reads a word that [Outcome.MarshalText] writes.
func (o *Outcome) UnmarshalText(text []byte) error {
	for i, word := range outcomeWords {
		if string(text) == word {
			*o = Outcome(i)
			return nil
		}
	}
	return o.fault(fmt.Sprintf("%q", text))
}

// UnmarshalJSON reads a word, or the number that older files have.
func (o *Outcome) UnmarshalJSON(data []byte) error {
	switch {
	case bytes.Equal(data, []byte("null")):
		return nil
	case len(data) == 1 && '0' <= data[0] && int(data[0]-'0') < len(outcomeWords):
		*o = Outcome(data[0] - '0')
		return nil
	case data[0] != '"':
		return o.fault(string(data))
	}
	var word string
	if err := json.Unmarshal(data, &word); err != nil {
		return err
	}
	return o.UnmarshalText([]byte(word))
}

func (o Outcome) fault(got any) error {
	return fmt.Errorf(`coat: outcome is %v, want "wrong" or "right" (in older files 1 or 2)`, got)
}
