// expect: not declared|undeclared
int main() {}
