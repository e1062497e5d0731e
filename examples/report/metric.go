package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
)

// A Metric is a line of metrics.jsonl, flat:
//
//	{"stage":"rl","step":3,"of":40,"accuracy":0.5,"reward":-0.5,"tokens":31}
//
// Of a stage that has a reward the page draws reward, accuracy (of the rollouts), tokens (the
// mean length of a response) and explained_variance (of the critic). Of another stage it draws
// the loss. coat.ReadLines reads such a file.
type Metric struct {
	Stage    string
	Step, Of int
	Values   map[string]float64
}

// MarshalJSON writes the names in alphabetical order. It leaves out NaN and the infinities,
// which JSON cannot write.
func (m Metric) MarshalJSON() ([]byte, error) {
	stage, err := json.Marshal(m.Stage)
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(nil)
	fmt.Fprintf(b, `{"stage":%s,"step":%d,"of":%d`, stage, m.Step, m.Of)
	for _, name := range slices.Sorted(maps.Keys(m.Values)) {
		v := m.Values[name]
		switch {
		case name == "stage" || name == "step" || name == "of":
			return nil, fmt.Errorf("report: %q cannot be the name of a value", name)
		case math.IsNaN(v) || math.IsInf(v, 0):
			continue
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		number, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(b, ",%s:%s", key, number)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Metric) UnmarshalJSON(data []byte) error {
	var head struct {
		Stage    string
		Step, Of int
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	*m = Metric{Stage: head.Stage, Step: head.Step, Of: head.Of, Values: map[string]float64{}}
	for name, raw := range all {
		if name == "stage" || name == "step" || name == "of" {
			continue
		}
		var v float64
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
		m.Values[name] = v
	}
	return nil
}

// A curve holds the metrics of one stage, by step.
type curve struct {
	stage   string
	metrics []Metric
}

// curves splits metrics by stage, in the order in which stages first occur. Of two lines for
// a step the later one counts: a run that was interrupted repeats steps.
func curves(metrics []Metric) []curve {
	var list []curve
	for _, m := range metrics {
		i := slices.IndexFunc(list, func(c curve) bool { return c.stage == m.Stage })
		if i < 0 {
			i = len(list)
			list = append(list, curve{stage: m.Stage})
		}
		list[i].metrics = append(list[i].metrics, m)
	}
	for i, c := range list {
		slices.Reverse(c.metrics) // so that CompactFunc keeps the later one
		slices.SortStableFunc(c.metrics, func(a, b Metric) int { return cmp.Compare(a.Step, b.Step) })
		list[i].metrics = slices.CompactFunc(c.metrics, func(a, b Metric) bool { return a.Step == b.Step })
	}
	return list
}

// points returns the steps that have a value of that name, with their values.
func (c curve) points(name string) (steps, values []float64) {
	for _, m := range c.metrics {
		if v, ok := m.Values[name]; ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
			steps, values = append(steps, float64(m.Step)), append(values, v)
		}
	}
	return steps, values
}
