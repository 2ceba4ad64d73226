// The other definition of `planted`.
struct planted {
    virtual ~planted() = default;
    int first = 1;
    double second = 2;
};

int sum_of_two() {
    planted const here;
    return here.first + static_cast<int>(here.second);
}
