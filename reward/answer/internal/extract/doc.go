// Package extract finds the final answer in the output of a model.
package extract
