// Loaded before the gateway, which would listen on every address: a port without a host becomes a port of 127.0.0.1.
import net from 'node:net';

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
    if (typeof port !== 'number' && typeof port !== 'string') return listen.call(this, port, ...rest);
    return listen.call(this, { port: Number(port), host: '127.0.0.1' }, ...rest.filter((one) => typeof one === 'function'));
};
