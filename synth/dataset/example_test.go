package dataset_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/satori-go/satori/coat"
	"github.com/satori-go/satori/synth/dataset"
)

// Demonstrations as a chat for trainers, and as the paper released them.
func Example() {
	trace, _ := coat.Parse(`1 + 1 = 3.<|reflect|> No.<|explore|> Count.<|continue|> \boxed{2}`)
	demo := coat.Demo{Problem: coat.Problem{ID: "7", Question: "What is 1 + 1?", Answer: "2"}, Trace: trace, Kind: coat.TypeIII1}
	question := func(p coat.Problem) string { return p.Question }
	err := errors.Join(
		coat.WriteLines(os.Stdout, slices.Values([]dataset.Chat{dataset.NewChat(demo, question)})),
		coat.WriteLines(os.Stdout, slices.Values([]dataset.Tuning{dataset.NewTuning(demo, coat.Bare)})))
	if err != nil {
		panic(err)
	}
	// Output:
	// {"id":"7","kind":"III-I","messages":[{"role":"user","content":"What is 1 + 1?"},{"role":"assistant","content":"1 + 1 = 3.<|reflect|> No.<|explore|> Count.<|continue|> \\boxed{2}"}]}
	// {"query":"What is 1 + 1? ","response":"1 + 1 = 3.<|reflect|> No.<|explore|> Count.<|continue|> \\boxed{2}","type":"type_III_I_data"}
}

// Starts of a restart buffer as the paper's own trainer reads them, and back.
func ExampleReadRestarts() {
	problem := coat.Problem{Question: "What is 1 + 1?", Answer: "2"}
	starts := []coat.Start{
		{Problem: problem},
		{Problem: problem, Prefix: coat.Trace{{Text: "1 + 1 = 3."}, {Action: coat.Reflect}}, Prior: coat.Wrong},
	}
	var rows []dataset.Restart
	for _, s := range starts {
		rows = append(rows, dataset.NewRestart(s, coat.Math))
	}
	fmt.Println(rows[1].ReflectStatus, rows[1].Answer)

	var file bytes.Buffer
	if err := coat.WriteLines(&file, slices.Values(rows)); err != nil {
		panic(err)
	}
	for start, err := range dataset.ReadRestarts(&file, "restarts.jsonl", coat.Math, nil) {
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: %v %q\n", start.Problem.ID, start.Prior, start.Prefix.String())
	}
	// Output:
	// -1 2
	// restarts:1: original ""
	// restarts:2: wrong "1 + 1 = 3.<|reflect|>"
}
