// Command probe is the program inside the pods that devcluster's own tests run: it looks at the cluster from within.
//
//	probe serve        answers HTTP on :8080 with the pod's name
//	probe get URL      fetches URL and prints the answer
//	probe reach A:P …  says of each address whether it takes TCP connections, within a second
//	probe write FILE   writes FILE
//	probe burn         keeps one processor busy
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "serve":
		return serve()
	case len(args) == 2 && args[0] == "get":
		return get(args[1])
	case len(args) > 1 && args[0] == "reach":
		reach(args[1:])
		return nil
	case len(args) == 2 && args[0] == "write":
		return os.WriteFile(filepath.Clean(args[1]), []byte("written\n"), 0o644)
	case len(args) == 1 && args[0] == "burn":
		for {
		}
	}
	return fmt.Errorf("usage: probe serve | get URL | reach ADDRESS... | write FILE | burn")
}

func serve() error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	handler := func(response http.ResponseWriter, _ *http.Request) { fmt.Fprint(response, name) }
	return http.ListenAndServe(":8080", http.HandlerFunc(handler))
}

func get(url string) error {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}

func reach(addresses []string) {
	open := make([]bool, len(addresses))
	var all sync.WaitGroup
	for i, address := range addresses {
		all.Go(func() {
			connection, err := net.DialTimeout("tcp", address, time.Second)
			if err == nil {
				connection.Close()
			}
			open[i] = err == nil
		})
	}
	all.Wait()
	for i, address := range addresses {
		fmt.Println(address, open[i])
	}
}
