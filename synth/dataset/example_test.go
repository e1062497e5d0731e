package dataset_test

import (
	"os"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/synth/dataset"
)

func Example() {
	trace, _ := coat.Parse(`1 + 1 = 3.<|reflect|> No.<|explore|> Count.<|continue|> \boxed{2}`)
	demo := coat.Demo{Problem: coat.Problem{ID: "7", Question: "What is 1 + 1?", Answer: "2"}, Trace: trace, Kind: coat.TypeIII1}
	question := func(p coat.Problem) string { return p.Question }
	coat.WriteLines(os.Stdout, slices.Values([]dataset.Chat{dataset.NewChat(demo, question)}))
	coat.WriteLines(os.Stdout, slices.Values([]dataset.Tuning{dataset.NewTuning(demo, coat.Bare)}))
	// Output:
	// {"id":"7","kind":"III-I","messages":[{"role":"user","content":"What is 1 + 1?"},{"role":"assistant","content":"1 + 1 = 3.<|reflect|> No.<|explore|> Count.<|continue|> \\boxed{2}"}]}
	// {"query":"What is 1 + 1? ","response":"1 + 1 = 3.<|reflect|> No.<|explore|> Count.<|continue|> \\boxed{2}","type":"type_III_I_data"}
}
