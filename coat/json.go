package coat

import (
	"encoding/json"
	"errors"
)

// UnmarshalJSON reads a start. It parses the prefix with the actions of the problem.
func (s *Start) UnmarshalJSON(data []byte) error {
	var fields struct {
		Problem json.RawMessage `json:"problem"`
		Prefix  json.RawMessage `json:"prefix"`
		Prior   json.RawMessage `json:"prior"`
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	var start Start
	prefix := traceField{actions: &start.Problem.Actions, trace: &start.Prefix}
	err := unmarshalFields(
		field{"problem", fields.Problem, &start.Problem}, // before the prefix, whose actions it has
		field{"prefix", fields.Prefix, &prefix},
		field{"prior", fields.Prior, &start.Prior})
	if err != nil {
		return err
	}
	*s = start
	return nil
}

// UnmarshalJSON reads a demonstration. It parses the trace with the actions of the problem.
func (d *Demo) UnmarshalJSON(data []byte) error {
	var fields struct {
		Problem json.RawMessage `json:"problem"`
		Trace   json.RawMessage `json:"trace"`
		Kind    json.RawMessage `json:"kind"`
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	var demo Demo
	trace := traceField{actions: &demo.Problem.Actions, trace: &demo.Trace}
	err := unmarshalFields(
		field{"problem", fields.Problem, &demo.Problem},
		field{"trace", fields.Trace, &trace},
		field{"kind", fields.Kind, &demo.Kind})
	if err != nil {
		return err
	}
	*d = demo
	return nil
}

// A traceField is a trace whose actions are known once the problem is read.
type traceField struct {
	actions *Actions
	trace   *Trace
}

func (t *traceField) UnmarshalText(text []byte) (err error) {
	*t.trace, err = t.actions.Parse(string(text))
	return err
}

// A field is a part of a JSON object, and where it goes.
type field struct {
	name string
	data json.RawMessage // nil: the object does not have it
	into any
}

// unmarshalFields reads fields in order. Its errors name the field.
func unmarshalFields(list ...field) error {
	for _, f := range list {
		if f.data == nil {
			continue
		}
		if err := json.Unmarshal(f.data, f.into); err != nil {
			var inner *json.UnmarshalTypeError
			name := f.name
			if errors.As(err, &inner) && inner.Field != "" {
				name += "." + inner.Field
			}
			return &fieldError{name, err}
		}
	}
	return nil
}

// A fieldError is a fault in a field of a JSON object.
type fieldError struct {
	field string
	err   error
}

func (e *fieldError) Error() string { return e.field + ": " + e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }
