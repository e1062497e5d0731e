package coat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Action says what a reasoning step does. Its value is the name within the special
// token: [Reflect] is written <|reflect|>. A program may define more actions than the
// three of the paper; [Actions] is the set that a problem is reasoned with.
type Action string

// The actions of the paper.
const (
	None     Action = ""         // the opening step of a solution, which has no token
	Continue Action = "continue" // the next step on the current path
	Reflect  Action = "reflect"  // a check of earlier steps
	Explore  Action = "explore"  // another way, after a flaw was found
)

// String returns the special token that opens a step, such as "<|reflect|>", or "" for
// [None].
func (a Action) String() string {
	if a == None {
		return ""
	}
	return "<|" + string(a) + "|>"
}

// An Actions is a set of meta-actions in an order. The zero value is the paper's set:
// [Continue], [Reflect] and [Explore]. Sets can be compared with ==; two sets with the
// same actions in different orders are different.
//
// A [Problem] carries the set, and so does every [Start], [Attempt] and [Demo] made of it.
type Actions struct {
	names string // joined by spaces; "": the paper's three; noActions: none
}

const (
	paperActions = "continue reflect explore"
	noActions    = " "
)

// NewActions makes a set of the given actions. Without any the set is empty, and every
// text is a trace of one step. It panics if an action has no name, occurs twice, or has
// white space, '<', '>' or '|' in its name. [Actions.UnmarshalText] reads a set from data.
func NewActions(list ...Action) Actions {
	set, err := newActions(list)
	if err != nil {
		panic(err)
	}
	return set
}

func newActions(list []Action) (Actions, error) {
	names := make([]string, len(list))
	for i, a := range list {
		switch {
		case a == None || !utf8.ValidString(string(a)) || strings.ContainsFunc(string(a), unnamable):
			return Actions{}, fmt.Errorf("coat: action %q: want a name without white space, '<', '>' and '|'", string(a))
		case slices.Contains(list[:i], a):
			return Actions{}, fmt.Errorf("coat: action %q occurs twice", string(a))
		}
		names[i] = string(a)
	}
	switch joined := strings.Join(names, " "); joined {
	case "":
		return Actions{noActions}, nil
	case paperActions:
		return Actions{}, nil
	default:
		return Actions{joined}, nil
	}
}

// unnamable reports whether a rune cannot occur in the name of an action.
func unnamable(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("<>|", r) }

// List returns the actions of the set, in its order.
func (s Actions) List() []Action {
	if s.names == "" {
		return []Action{Continue, Reflect, Explore}
	}
	var list []Action
	for name := range strings.FieldsSeq(s.names) {
		list = append(list, Action(name))
	}
	return list
}

// Has reports whether the set contains an action.
func (s Actions) Has(a Action) bool { return slices.Contains(s.List(), a) }

// Tokens returns the special tokens of the actions, in the order of the set. They are
// what a tokenizer has to know.
func (s Actions) Tokens() []string {
	var tokens []string
	for _, a := range s.List() {
		tokens = append(tokens, a.String())
	}
	return tokens
}

// MarshalJSON writes the names of the actions as an array.
func (s Actions) MarshalJSON() ([]byte, error) {
	return json.Marshal(append([]Action{}, s.List()...)) // [] for an empty set, not null
}

// UnmarshalJSON reads an array of names, or a string as [Actions.UnmarshalText] does. Names
// that [NewActions] does not accept are an error.
func (s *Actions) UnmarshalJSON(data []byte) error {
	var list []Action
	var text string
	switch err := json.Unmarshal(data, &list); {
	case string(data) == "null":
		return nil
	case err != nil && json.Unmarshal(data, &text) == nil:
		return s.UnmarshalText([]byte(text))
	case err != nil:
		return err
	}
	set, err := newActions(list)
	if err != nil {
		return err
	}
	*s = set
	return nil
}

// MarshalText writes the names of the actions, joined by spaces.
func (s Actions) MarshalText() ([]byte, error) {
	switch s.names {
	case "":
		return []byte(paperActions), nil
	case noActions:
		return nil, nil
	}
	return []byte(s.names), nil
}

// UnmarshalText reads what [Actions.MarshalText] writes. Names that [NewActions] does
// not accept are an error.
func (s *Actions) UnmarshalText(text []byte) error {
	var list []Action
	for name := range strings.FieldsSeq(string(text)) {
		list = append(list, Action(name))
	}
	set, err := newActions(list)
	if err != nil {
		return err
	}
	*s = set
	return nil
}
