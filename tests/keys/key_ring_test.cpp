#include "config/temporary_directory.hpp"
#include "keys/key_file.hpp"
#include "keys/key_ring.hpp"
#include "keys/key_store.hpp"
#include "mcp_provider/policy/authenticate.hpp"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <new>
#include <thread>

#include <doctest/doctest.h>

namespace {

thread_local std::size_t allocations = 0; // of this thread, counted by the operators below

} // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace mcp_provider;
using namespace mcp_provider::server;
using namespace std::chrono_literals;

namespace {

constexpr moment now{std::chrono::seconds{1'000'000'000}}; // in 2001

struct keys_on_disk {
    temporary_directory folder;
    key_store store{folder.path() / "keys.json"};
    [[nodiscard]] std::filesystem::path file() const { return folder.path() / "keys.json"; }
};

} // namespace

TEST_CASE("a token leads to the identity of its key") {
    keys_on_disk const disk;
    new_key const made =
        disk.store.create({"Zed", scope::generate | scope::metrics, {"echo:latest"}, 1h}, now);
    (void)disk.store.create({"another"}, now);

    key_ring const ring{disk.file()};
    std::shared_ptr<identity const> const who = ring.find(made.token.reveal());

    REQUIRE(who != nullptr);
    CHECK(who->id == made.record.id);
    CHECK(who->label == "Zed");
    CHECK(who->known_by == identity::kind::key);
    CHECK(who->may == (scope::generate | scope::metrics));
    CHECK(who->models == std::vector<std::string>{"echo:latest"});
    CHECK(who->expires == now + 1h);
}

TEST_CASE("every one of many keys is found, and its neighbours are not") {
    keys_on_disk const disk;
    std::vector<key_record> keys;
    for (std::uint32_t i = 0; i < 500; ++i) {
        key_record key;
        key.id = "key_" + std::to_string(i);
        key.token_digest = crypto::sha256("mlp_" + std::string(39, 'a') + std::to_string(1000 + i));
        keys.push_back(key);
    }
    disk.folder.write("keys.json", write_keys(keys));
    key_ring const ring{disk.file()};

    for (std::uint32_t i = 0; i < 500; ++i) {
        std::string token = "mlp_" + std::string(39, 'a') + std::to_string(1000 + i);
        auto const who = ring.find(token);
        REQUIRE(who != nullptr);
        CHECK(who->id == "key_" + std::to_string(i));
        token[20] = 'b';
        CHECK(ring.find(token) == nullptr);
    }
}

TEST_CASE("what has not the form of a token, or is nobody's, leads to nothing") {
    keys_on_disk const disk;
    new_key const made = disk.store.create({"Zed"}, now);
    key_ring const ring{disk.file()};
    std::string const token{made.token.reveal()};

    for (std::string const& wrong :
         {std::string{}, std::string{"mlp_"}, token.substr(0, token.size() - 1), token + "A",
          "MLP_" + token.substr(4), token.substr(4), std::string{"mlp_"} + std::string(43, 'A')}) {
        CAPTURE(wrong);
        CHECK(ring.find(wrong) == nullptr);
    }
}

TEST_CASE("an expired key is found only to be refused by authenticate, from the moment at which it "
          "expires") {
    keys_on_disk const disk;
    new_key const made = disk.store.create({"Zed", scope::generate, {}, 30s}, now);
    auto const ring = std::make_shared<key_ring>(disk.file());

    CHECK(ring->find(made.token.reveal())->expires == now + 30s);
    static_assert(key_lookup<key_ring>);
}

TEST_CASE("keys that are made or revoked while the server runs take effect at the next look at the "
          "file") {
    keys_on_disk const disk;
    key_ring ring{disk.file()};
    CHECK(ring.size() == 0);
    CHECK_FALSE(ring.reload_if_changed().changed);

    new_key const made = disk.store.create({"Zed"}, now);
    CHECK(ring.find(made.token.reveal()) == nullptr);
    CHECK(ring.reload_if_changed().changed);
    CHECK(ring.find(made.token.reveal()) != nullptr);
    CHECK_FALSE(ring.reload_if_changed().changed);

    CHECK(ring.find_id(made.record.id) != nullptr);
    (void)disk.store.revoke(made.record.id, now);
    CHECK(ring.reload_if_changed().changed);
    CHECK(ring.find(made.token.reveal()) == nullptr);
}

TEST_CASE("an identity that a request holds outlives the revocation of its key") {
    keys_on_disk const disk;
    new_key const made = disk.store.create({"Zed"}, now);
    key_ring ring{disk.file()};
    std::shared_ptr<identity const> const held = ring.find(made.token.reveal());

    (void)disk.store.revoke(made.record.id, now);
    (void)ring.reload_if_changed();

    CHECK(held->label == "Zed");
}

TEST_CASE("a damaged key file stops the start, and while running is refused once with the keys of "
          "before in force") {
    keys_on_disk const disk;
    new_key const made = disk.store.create({"Zed"}, now);
    key_ring ring{disk.file()};

    disk.folder.write("keys.json", "{}");

    CHECK_THROWS_AS(key_ring{disk.file()}, key_file_error);
    key_reload const look = ring.reload_if_changed();
    CHECK_FALSE(look.changed);
    CHECK(look.failure.find("is not ours") != std::string::npos);
    CHECK(ring.reload_if_changed().failure.empty());
    CHECK(ring.find(made.token.reveal()) != nullptr);
}

TEST_CASE("a key file that is removed while the server runs lets nobody in") {
    keys_on_disk const disk;
    new_key const made = disk.store.create({"Zed"}, now);
    key_ring ring{disk.file()};

    std::filesystem::remove(disk.file());

    CHECK(ring.reload_if_changed().changed);
    CHECK(ring.find(made.token.reveal()) == nullptr);
}

TEST_CASE("two rings on one thread do not mix up their keys") {
    keys_on_disk const first;
    keys_on_disk const second;
    new_key const made = first.store.create({"Zed"}, now);
    (void)second.store.create({"Void"}, now);
    key_ring const with{first.file()};
    key_ring const without{second.file()};

    for (int i = 0; i < 3; ++i) {
        CHECK(with.find(made.token.reveal()) != nullptr);
        CHECK(without.find(made.token.reveal()) == nullptr);
    }
}

TEST_CASE("looking up a token does not allocate") {
    keys_on_disk const disk;
    new_key const made = disk.store.create({"Zed"}, now);
    key_ring const ring{disk.file()};
    std::string const wrong = "mlp_" + std::string(43, 'A');
    CHECK(ring.find(made.token.reveal()) != nullptr);

    std::size_t const before = allocations;
    for (int i = 0; i < 1000; ++i) {
        (void)ring.find(made.token.reveal());
        (void)ring.find(wrong);
    }

    CHECK(allocations == before);
}

TEST_CASE("threads look up tokens while the keys change") {
    keys_on_disk const disk;
    new_key const stays = disk.store.create({"stays"}, now);
    key_ring ring{disk.file()};
    std::atomic<bool> done{false};
    std::atomic<int> missed{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i)
        readers.emplace_back([&] {
            while (!done.load())
                if (ring.find(stays.token.reveal()) == nullptr) ++missed;
        });

    for (int i = 0; i < 20; ++i) {
        (void)disk.store.create({"more"}, now);
        CHECK(ring.reload_if_changed().changed);
    }
    done = true;
    for (std::thread& reader : readers) reader.join();

    CHECK(missed == 0);
    CHECK(ring.size() == 21);
}
