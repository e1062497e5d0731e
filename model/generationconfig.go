package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// addStops takes over the ends of a completion that a directory's generation_config.json
// names beside those of config.json, as transformers' generate does: chat models end
// their turns with a token that config.json often lacks. How to sample is the request's.
func addStops(c *Config, dir string) error {
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
