package run_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/satori-go/satori/synth/agent"
	"github.com/satori-go/satori/synth/run"
)

// A program that is started a second time gets from the directory what it has paid for.
func Example() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	paid := 0
	model := func(ctx context.Context, r agent.Request) (agent.Reply, error) {
		paid++
		return agent.Reply{Text: "It is 4.", Tokens: 4}, nil
	}
	for session := range 2 {
		r, err := run.Open(dir, run.Config{})
		if err != nil {
			log.Fatal(err)
		}
		critic := r.Agent("critic", model)
		reply, err := critic(context.Background(), agent.Request{User: "What is 2 + 2?", MaxTokens: 16, Seed: 7})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("session %d: %s (%d paid for)\n", session+1, reply.Text, paid)
		if err := r.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// session 1: It is 4. (1 paid for)
	// session 2: It is 4. (1 paid for)
}
