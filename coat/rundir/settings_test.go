package rundir

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
)

// The settings of a run, and the one that has changed when the run continues.
func ExampleCheckSettings() {
	type recipe struct {
		Rate  float64
		Steps int `json:"steps"`
	}
	file := json.RawMessage(`{"Rate": 1e-3, "steps": 100}`)
	fmt.Println(CheckSettings("config.json", file, recipe{0.001, 100}))
	fmt.Println(CheckSettings("config.json", file, recipe{0.001, 200}))
	// Output:
	// <nil>
	// config.json: steps was 100 when the run began and is 200 now; take another directory, or go back to what it was
}

func TestCheckSettings(t *testing.T) {
	for _, c := range []struct{ was, is, field, a, b string }{
		{`{}`, `{}`, "", "", ""},
		{`{"a":{"b":[1,2]},"c":"x"}`, `{"c":"x","a":{"b":[1,2]}}`, "", "", ""},
		{`{"a":1}`, `{"a":1.0}`, "", "", ""},
		{`{"a":1e-3}`, `{"a":0.001}`, "", "", ""},
		{`{"a":9007199254740993}`, `{"a":9007199254740992}`, "a", "9007199254740993", "9007199254740992"},
		{`{"a":18446744073709551615}`, `{"a":18446744073709551614}`, "a", "18446744073709551615", "18446744073709551614"},
		{`{}`, `{"a":0,"b":"","c":false,"d":[],"e":{"f":0},"g":null}`, "", "", ""},
		{`{"m":{"x":"y"}}`, `{}`, "m", `{"x":"y"}`, "null"},
		{`{"a":{"c":1,"b":1}}`, `{"a":{"c":2,"b":2}}`, "a.b", "1", "2"},
		{`{"a":[1,2]}`, `{"a":[2,1]}`, "a", "[1,2]", "[2,1]"},
		{`{"a":"1"}`, `{"a":1}`, "a", `"1"`, "1"},
		{`[1]`, `[2]`, "the file", "[1]", "[2]"},
	} {
		err := CheckSettings("f", json.RawMessage(c.was), json.RawMessage(c.is))
		var m *MismatchError
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s, %s: %v", c.was, c.is, err)
		case c.field != "" && (!errors.As(err, &m) || *m != MismatchError{"f", c.field, c.a, c.b}):
			t.Errorf("%s, %s: %v", c.was, c.is, err)
		}
	}
	if err := CheckSettings("f", json.RawMessage(`{`), 1); err == nil {
		t.Error("settings that are no JSON")
	}
	if err := CheckSettings("f", 1, func() {}); err == nil {
		t.Error("a function as a setting")
	}
}
