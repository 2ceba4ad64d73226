// process_usage --pid P [--pid ...] prints the CPU time (ns), resident and proportional memory (bytes) of processes
// and their descendants.
#include "process_usage.hpp"

#include "arguments.hpp"

#include <cstdio>
#include <exception>

int main(int count, char** words) try {
    load::usage const sum = load::usage_of(load::arguments{count, words}.all("pid"));
    std::printf("%lld %lld %lld\n", static_cast<long long>(sum.cpu),
                static_cast<long long>(sum.resident), static_cast<long long>(sum.proportional));
    return 0;
} catch (std::exception const& error) {
    std::fprintf(stderr, "process_usage: %s\n", error.what());
    return 1;
}
