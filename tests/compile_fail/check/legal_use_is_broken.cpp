// expect: not declared|undeclared
int main() { return nowhere; }
