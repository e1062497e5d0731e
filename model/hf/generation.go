package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/satori-go/satori/model/decoder"
)

// addStops adds the tokens that end a completion by a directory's generation_config.json, as
// transformers' generate does. Chat models end their turns with a token that config.json often
// lacks. The settings of sampling in that file are ignored, since a request has its own.
func addStops(c *decoder.Config, dir string) error {
	path := filepath.Join(dir, "generation_config.json")
	data, err := readSmall(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var g struct {
		EOS tokenIDs `json:"eos_token_id"`
	}
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, id := range g.EOS {
		if id < 0 || int(id) >= c.VocabSize {
			return fmt.Errorf("%s: eos_token_id %d is outside the vocabulary of %d", path, id, c.VocabSize)
		}
		if !c.Ends(id) {
			c.Stops = append(c.Stops, id)
		}
	}
	return nil
}
