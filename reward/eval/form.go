package eval

import "github.com/satori-go/satori/coat"

// A Form describes the responses as traces. The prefix of a restart does not count: its
// bare token and the text that the response begins with are one step, the prefix's.
type Form struct {
	Parsed       float64 `json:"parsed"`            // share of the attempts that parse as a coat.Trace
	Steps        float64 `json:"mean_steps"`        // a response that parses
	Reflections  float64 `json:"mean_reflections"`  // the same
	Explorations float64 `json:"mean_explorations"` // the same

	// Others counts the steps of each action that is not one of the paper's and is in the
	// set of a problem, a response that parses. Nil: there is no such action.
	Others map[coat.Action]float64 `json:"mean_others,omitempty"`
}

// form describes attempts.
func form(attempts []coat.Judged) Form {
	var traces, prefixes []coat.Trace
	var others map[coat.Action]float64
	known := map[coat.Actions]bool{{}: true}
	for _, a := range attempts {
		if set := a.Start.Problem.Actions; !known[set] {
			known[set] = true
			for _, action := range set.List() {
				if !(coat.Actions{}).Has(action) {
					if others == nil {
						others = map[coat.Action]float64{}
					}
					others[action] = 0
				}
			}
		}
		if trace, err := a.Trace(); err == nil {
			traces = append(traces, trace)
			prefixes = append(prefixes, a.Start.Prefix)
		}
	}
	perTrace := func(counts func(coat.Step) bool) float64 {
		n := 0
		for i, trace := range traces {
			n += steps(trace, counts) - steps(prefixes[i], counts)
		}
		return share(n, len(traces))
	}
	of := func(action coat.Action) float64 {
		return perTrace(func(s coat.Step) bool { return s.Action == action })
	}
	for action := range others {
		others[action] = of(action)
	}
	return Form{
		Parsed:       share(len(traces), len(attempts)),
		Steps:        perTrace(func(coat.Step) bool { return true }),
		Reflections:  of(coat.Reflect),
		Explorations: of(coat.Explore),
		Others:       others,
	}
}

func steps(trace coat.Trace, counts func(coat.Step) bool) (n int) {
	for _, s := range trace {
		if counts(s) {
			n++
		}
	}
	return n
}
