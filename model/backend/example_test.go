package backend_test

import (
	"fmt"
	"log"

	"github.com/satori-go/satori/model/backend"
)

// The pure Go backend needs nothing but this library. The configuration "auto" opens XLA where a
// plugin is installed.
func ExampleOpen() {
	b, err := backend.Open("go")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(b.NumDevices(), "device")
	_, err = backend.Open("tpu")
	fmt.Println(err)
	// Output:
	// 1 device
	// backend "tpu": want auto, go, xla, xla:cpu or xla:/path/to/plugin.so
}
