-- A database of schema version 1, as a server wrote it; made by make.py.
PRAGMA foreign_keys = OFF;
PRAGMA application_id = 1297116275;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE delivery (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    service_id INTEGER REFERENCES service (id) ON DELETE SET NULL,
    channel    TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    letter     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_try   INTEGER NOT NULL,
    tried_at   INTEGER,
    last_error TEXT,
    digest     TEXT
) STRICT;
INSERT INTO "delivery" VALUES(1,'01a20e7c-037f-74e5-bc22-5488c9507da8',5,'down','error','{"kind":"error","at":1795539338111,"began":1795539338111,"since":1795539338111,"allowance":"1h","service":{"name":"error","status":"error","previous_status":"alive","last_seen":1795539338111,"message":"disk full","tags":[]}}',1795539338111,0,3,1795539355742,1795539351213,'the webhook answered 500 Internal Server Error',NULL);
INSERT INTO "delivery" VALUES(2,'01a20e7c-037f-7d36-8736-249cfec60151',5,'gone','error','{"kind":"error","at":1795539338111,"began":1795539338111,"since":1795539338111,"allowance":"1h","service":{"name":"error","status":"error","previous_status":"alive","last_seen":1795539338111,"message":"disk full","tags":[]}}',1795539338111,2,1,1795539338120,1795539338120,'the webhook answered 410 Gone',NULL);
INSERT INTO "delivery" VALUES(3,'01a20e7c-037f-741f-a273-2bc2e442050d',5,'good','error','{"kind":"error","at":1795539338111,"began":1795539338111,"since":1795539338111,"allowance":"1h","service":{"name":"error","status":"error","previous_status":"alive","last_seen":1795539338111,"message":"disk full","tags":[]}}',1795539338111,1,1,1795539338120,1795539338120,NULL,NULL);
INSERT INTO "delivery" VALUES(4,'01a20e7c-0382-7eed-9f6a-cd1be3386057',6,'down','error','{"kind":"error","at":1795539338114,"began":1795539338114,"since":1795539338114,"allowance":"1h","service":{"name":"recovered","status":"error","previous_status":"new","last_seen":1795539338114,"message":"no route","tags":[]}}',1795539338114,0,3,1795539356078,1795539351216,'the webhook answered 500 Internal Server Error',NULL);
INSERT INTO "delivery" VALUES(5,'01a20e7c-0382-7f94-bb58-2be26d97e21a',6,'gone','error','{"kind":"error","at":1795539338114,"began":1795539338114,"since":1795539338114,"allowance":"1h","service":{"name":"recovered","status":"error","previous_status":"new","last_seen":1795539338114,"message":"no route","tags":[]}}',1795539338114,2,1,1795539338125,1795539338125,'the webhook answered 410 Gone',NULL);
INSERT INTO "delivery" VALUES(6,'01a20e7c-0382-71f6-8d23-bf0f17ec8954',6,'good','error','{"kind":"error","at":1795539338114,"began":1795539338114,"since":1795539338114,"allowance":"1h","service":{"name":"recovered","status":"error","previous_status":"new","last_seen":1795539338114,"message":"no route","tags":[]}}',1795539338114,1,1,1795539338123,1795539338123,NULL,NULL);
INSERT INTO "delivery" VALUES(7,'01a20e7c-0389-77dc-9f17-3b32a5a87e81',6,'down','recovered','{"kind":"recovered","at":1795539338121,"began":1795539338114,"since":1795539338121,"allowance":"1h","service":{"name":"recovered","status":"alive","previous_status":"error","last_seen":1795539338121,"message":null,"tags":[]}}',1795539338121,0,0,1795539338121,NULL,NULL,NULL);
INSERT INTO "delivery" VALUES(8,'01a20e7c-0389-78f3-882c-57d717daec6a',6,'gone','recovered','{"kind":"recovered","at":1795539338121,"began":1795539338114,"since":1795539338121,"allowance":"1h","service":{"name":"recovered","status":"alive","previous_status":"error","last_seen":1795539338121,"message":null,"tags":[]}}',1795539338121,2,1,1795539338127,1795539338127,'the webhook answered 410 Gone',NULL);
INSERT INTO "delivery" VALUES(9,'01a20e7c-0389-718e-8831-63c9b634ab3f',6,'good','recovered','{"kind":"recovered","at":1795539338121,"began":1795539338114,"since":1795539338121,"allowance":"1h","service":{"name":"recovered","status":"alive","previous_status":"error","last_seen":1795539338121,"message":null,"tags":[]}}',1795539338121,1,1,1795539338126,1795539338126,NULL,NULL);
INSERT INTO "delivery" VALUES(10,'01a20e7c-0393-754b-8440-e47506222f21',9,'down','error','{"kind":"error","at":1795539338131,"began":1795539338131,"since":1795539338131,"allowance":"1h","service":{"name":"undelivered","status":"error","previous_status":"new","last_seen":1795539338131,"message":"nobody hears","tags":[]}}',1795539338131,0,2,1795539353688,1795539351218,'the webhook answered 500 Internal Server Error',NULL);
INSERT INTO "delivery" VALUES(11,'01a20e7c-0395-700f-90ee-ba4dc4d5ecfb',10,'gone','error','{"kind":"error","at":1795539338133,"began":1795539338133,"since":1795539338133,"allowance":"1h","service":{"name":"refused","status":"error","previous_status":"new","last_seen":1795539338133,"message":"410","tags":[]}}',1795539338133,2,1,1795539338136,1795539338136,'the webhook answered 410 Gone',NULL);
INSERT INTO "delivery" VALUES(12,'01a20e7c-03a5-780c-99f6-a2067ee9d052',13,'good','error','{"kind":"error","at":1795539338149,"began":1795539338149,"since":1795539338149,"allowance":"5m","service":{"name":"storm-00","status":"error","previous_status":"new","last_seen":1795539338149,"message":"all at once","tags":[]}}',1795539338149,1,1,1795539338151,1795539338151,NULL,NULL);
INSERT INTO "delivery" VALUES(13,'01a20e7c-03a6-7a73-8019-142ac39d0153',14,'good','error','{"kind":"error","at":1795539338150,"began":1795539338150,"since":1795539338150,"allowance":"5m","service":{"name":"storm-01","status":"error","previous_status":"new","last_seen":1795539338150,"message":"all at once","tags":[]}}',1795539338150,1,1,1795539338153,1795539338153,NULL,NULL);
INSERT INTO "delivery" VALUES(14,'01a20e7c-03a8-7295-8167-453a8f081ff5',15,'good','error','{"kind":"error","at":1795539338152,"began":1795539338152,"since":1795539338152,"allowance":"5m","service":{"name":"storm-02","status":"error","previous_status":"new","last_seen":1795539338152,"message":"all at once","tags":[]}}',1795539338152,1,1,1795539338157,1795539338157,NULL,NULL);
INSERT INTO "delivery" VALUES(15,'01a20e7c-03a9-7472-ac26-e1ae7a434c6e',16,'good','error','{"kind":"error","at":1795539338153,"began":1795539338153,"since":1795539338153,"allowance":"5m","service":{"name":"storm-03","status":"error","previous_status":"new","last_seen":1795539338153,"message":"all at once","tags":[]}}',1795539338153,1,1,1795539338159,1795539338159,NULL,NULL);
INSERT INTO "delivery" VALUES(16,'01a20e7c-03ab-7f41-8050-047c337431df',17,'good','error','{"kind":"error","at":1795539338155,"began":1795539338155,"since":1795539338155,"allowance":"5m","service":{"name":"storm-04","status":"error","previous_status":"new","last_seen":1795539338155,"message":"all at once","tags":[]}}',1795539338155,1,1,1795539338163,1795539338163,NULL,NULL);
INSERT INTO "delivery" VALUES(17,'01a20e7c-03ac-7cd8-9512-b0613572480a',18,'good','error','{"kind":"error","at":1795539338156,"began":1795539338156,"since":1795539338156,"allowance":"5m","service":{"name":"storm-05","status":"error","previous_status":"new","last_seen":1795539338156,"message":"all at once","tags":[]}}',1795539338156,1,1,1795539338165,1795539338165,NULL,NULL);
INSERT INTO "delivery" VALUES(18,'01a20e7c-03ad-7132-957f-7d9c48c554a6',19,'good','error','{"kind":"error","at":1795539338157,"began":1795539338157,"since":1795539338157,"allowance":"5m","service":{"name":"storm-06","status":"error","previous_status":"new","last_seen":1795539338157,"message":"all at once","tags":[]}}',1795539338157,1,1,1795539338166,1795539338166,NULL,NULL);
INSERT INTO "delivery" VALUES(19,'01a20e7c-03ae-72bf-ad4d-b84976d18d56',20,'good','error','{"kind":"error","at":1795539338158,"began":1795539338158,"since":1795539338158,"allowance":"5m","service":{"name":"storm-07","status":"error","previous_status":"new","last_seen":1795539338158,"message":"all at once","tags":[]}}',1795539338158,1,1,1795539338168,1795539338168,NULL,'01a20e7c-03b6-7fb2-a796-2af71b1dfb7f');
INSERT INTO "delivery" VALUES(20,'01a20e7c-03b0-7c04-8f56-dc933e13a427',21,'good','error','{"kind":"error","at":1795539338160,"began":1795539338160,"since":1795539338160,"allowance":"5m","service":{"name":"storm-08","status":"error","previous_status":"new","last_seen":1795539338160,"message":"all at once","tags":[]}}',1795539338160,1,1,1795539338168,1795539338168,NULL,'01a20e7c-03b6-7fb2-a796-2af71b1dfb7f');
INSERT INTO "delivery" VALUES(21,'01a20e7c-03b1-7c74-a4a7-f1934903cd27',22,'good','error','{"kind":"error","at":1795539338161,"began":1795539338161,"since":1795539338161,"allowance":"5m","service":{"name":"storm-09","status":"error","previous_status":"new","last_seen":1795539338161,"message":"all at once","tags":[]}}',1795539338161,1,1,1795539339168,1795539339168,NULL,'01a20e7c-079e-73b2-91e8-68a8f1289a8a');
INSERT INTO "delivery" VALUES(22,'01a20e7c-03b2-7e82-a8e8-24fb9eb7ae8c',23,'good','error','{"kind":"error","at":1795539338162,"began":1795539338162,"since":1795539338162,"allowance":"5m","service":{"name":"storm-10","status":"error","previous_status":"new","last_seen":1795539338162,"message":"all at once","tags":[]}}',1795539338162,1,1,1795539339168,1795539339168,NULL,'01a20e7c-079e-73b2-91e8-68a8f1289a8a');
INSERT INTO "delivery" VALUES(23,'01a20e7c-03b3-79c7-b98e-6b1053f1b2ed',24,'good','error','{"kind":"error","at":1795539338163,"began":1795539338163,"since":1795539338163,"allowance":"5m","service":{"name":"storm-11","status":"error","previous_status":"new","last_seen":1795539338163,"message":"all at once","tags":[]}}',1795539338163,1,1,1795539339168,1795539339168,NULL,'01a20e7c-079e-73b2-91e8-68a8f1289a8a');
INSERT INTO "delivery" VALUES(24,'01a20e7c-03b6-7fb2-a796-2af71b1dfb7f',NULL,'good','digest','{"kind":{"digest":"error"},"at":1795539338166,"began":1795539338158,"since":1795539338158,"allowance":"5m","service":null,"names":["storm-07","storm-08"]}',1795539338166,1,1,1795539338168,1795539338168,NULL,NULL);
INSERT INTO "delivery" VALUES(25,'01a20e7c-0777-7ca3-973f-245539a46ff1',7,'good','dead','{"kind":"dead","at":1795539339127,"began":1795539338127,"since":1795539339127,"allowance":"1s","service":{"name":"dead","status":"dead","previous_status":"alive","last_seen":1795539338127,"message":"last words","tags":[]}}',1795539339127,1,1,1795539340168,1795539340168,NULL,NULL);
INSERT INTO "delivery" VALUES(26,'01a20e7c-079e-73b2-91e8-68a8f1289a8a',NULL,'good','digest','{"kind":{"digest":"error"},"at":1795539339166,"began":1795539338161,"since":1795539338161,"allowance":"5m","service":null,"names":["storm-09","storm-10","storm-11"]}',1795539339166,1,1,1795539339168,1795539339168,NULL,NULL);
CREATE TABLE event (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    service_id INTEGER REFERENCES service (id) ON DELETE CASCADE,
    at         INTEGER NOT NULL,
    data       TEXT    NOT NULL
) STRICT;
INSERT INTO "event" VALUES(1,0,1795539338101,'{"event":"edit","action":"created","by":"config"}');
INSERT INTO "event" VALUES(2,1,1795539338104,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(3,2,1795539338105,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(4,2,1795539338106,'{"event":"transition","from":"new","to":"alive","message":null}');
INSERT INTO "event" VALUES(5,3,1795539338107,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(6,3,1795539338108,'{"event":"transition","from":"new","to":"alive","message":"снова ''всё'' \"хорошо\"\nline 2 \\ ✓"}');
INSERT INTO "event" VALUES(7,4,1795539338108,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(8,4,1795539338109,'{"event":"transition","from":"new","to":"warning","message":"disk 91%"}');
INSERT INTO "event" VALUES(9,5,1795539338110,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(10,5,1795539338111,'{"event":"transition","from":"new","to":"alive","message":null}');
INSERT INTO "event" VALUES(11,5,1795539338111,'{"event":"transition","from":"alive","to":"error","message":"disk full"}');
INSERT INTO "event" VALUES(12,5,1795539338111,'{"event":"alert","alert":"error","message":"disk full"}');
INSERT INTO "event" VALUES(13,6,1795539338112,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(14,6,1795539338114,'{"event":"transition","from":"new","to":"error","message":"no route"}');
INSERT INTO "event" VALUES(15,6,1795539338114,'{"event":"alert","alert":"error","message":"no route"}');
INSERT INTO "event" VALUES(16,6,1795539338121,'{"event":"transition","from":"error","to":"alive","message":null}');
INSERT INTO "event" VALUES(17,6,1795539338121,'{"event":"alert","alert":"recovered","message":null}');
INSERT INTO "event" VALUES(18,7,1795539338126,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(19,7,1795539338127,'{"event":"transition","from":"new","to":"alive","message":"last words"}');
INSERT INTO "event" VALUES(20,8,1795539338128,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(21,8,1795539338129,'{"event":"transition","from":"new","to":"alive","message":"before the pause"}');
INSERT INTO "event" VALUES(22,9,1795539338130,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(23,9,1795539338131,'{"event":"transition","from":"new","to":"error","message":"nobody hears"}');
INSERT INTO "event" VALUES(24,9,1795539338131,'{"event":"alert","alert":"error","message":"nobody hears"}');
INSERT INTO "event" VALUES(25,10,1795539338132,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(26,10,1795539338133,'{"event":"transition","from":"new","to":"error","message":"410"}');
INSERT INTO "event" VALUES(27,10,1795539338133,'{"event":"alert","alert":"error","message":"410"}');
INSERT INTO "event" VALUES(28,11,1795539338136,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(29,11,1795539338137,'{"event":"transition","from":"new","to":"alive","message":null}');
INSERT INTO "event" VALUES(30,12,1795539338138,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(31,12,1795539338139,'{"event":"transition","from":"new","to":"alive","message":null}');
INSERT INTO "event" VALUES(32,0,1795539338140,'{"event":"transition","from":"new","to":"alive","message":null}');
INSERT INTO "event" VALUES(33,8,1795539338141,'{"event":"edit","action":"paused","by":"admin"}');
INSERT INTO "event" VALUES(34,8,1795539338141,'{"event":"transition","from":"alive","to":"paused","message":"before the pause"}');
INSERT INTO "event" VALUES(35,13,1795539338141,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(36,14,1795539338142,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(37,15,1795539338143,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(38,16,1795539338143,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(39,17,1795539338144,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(40,18,1795539338145,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(41,19,1795539338145,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(42,20,1795539338146,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(43,21,1795539338147,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(44,22,1795539338147,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(45,23,1795539338148,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(46,24,1795539338149,'{"event":"edit","action":"created","by":"admin"}');
INSERT INTO "event" VALUES(47,13,1795539338149,'{"event":"transition","from":"new","to":"error","message":"all at once"}');
INSERT INTO "event" VALUES(48,13,1795539338149,'{"event":"alert","alert":"error","message":"all at once"}');
INSERT INTO "event" VALUES(49,14,1795539338150,'{"event":"transition","from":"new","to":"error","message":"all at once"}');
INSERT INTO "event" VALUES(50,14,1795539338150,'{"event":"alert","alert":"error","message":"all at once"}');
INSERT INTO "event" VALUES(51,15,1795539338152,'{"event":"transition","from":"new","to":"error","message":"all at once"}');
INSERT INTO "event" VALUES(52,15,1795539338152,'{"event":"alert","alert":"error","message":"all at once"}');
INSERT INTO "event" VALUES(53,16,1795539338153,'{"event":"transition","from":"new","to":"error","message":"all at once"}');
INSERT INTO "event" VALUES(54,16,1795539338153,'{"event":"alert","alert":"error","message":"all at once"}');
INSERT INTO "event" VALUES(55,17,1795539338155,'{"event":"transition","from":"new","to":"error","message":"all at once"}');
INSERT INTO "event" VALUES(56,17,1795539338155,'{"event":"alert","alert":"error","message":"all at once"}');
INSERT INTO "event" VALUES(57,18,1795539338156,'{"event":"transition","from":"new","to":"error","message":"all at once"}');
INSERT INTO "event" VALUES(58,18,1795539338156,'{"event":"alert","alert":"error","message":"all at once"}');
INSERT INTO "event" VALUES(59,19,1795539338157,'{"event":"transition","from":"new","to":"error","message":"all at once"}');
INSERT INTO "event" VALUES(60,19,1795539338157,'{"event":"alert","alert":"error","message":"all at once"}');
INSERT INTO "event" VALUES(61,20,1795539338158,'{"event":"transition","from":"new","to":"error","message":"all at once"}');
INSERT INTO "event" VALUES(62,20,1795539338158,'{"event":"alert","alert":"error","message":"all at once"}');
INSERT INTO "event" VALUES(63,21,1795539338160,'{"event":"transition","from":"new","to":"error","message":"all at once"}');
INSERT INTO "event" VALUES(64,21,1795539338160,'{"event":"alert","alert":"error","message":"all at once"}');
INSERT INTO "event" VALUES(65,22,1795539338161,'{"event":"transition","from":"new","to":"error","message":"all at once"}');
INSERT INTO "event" VALUES(66,22,1795539338161,'{"event":"alert","alert":"error","message":"all at once"}');
INSERT INTO "event" VALUES(67,23,1795539338162,'{"event":"transition","from":"new","to":"error","message":"all at once"}');
INSERT INTO "event" VALUES(68,23,1795539338162,'{"event":"alert","alert":"error","message":"all at once"}');
INSERT INTO "event" VALUES(69,24,1795539338163,'{"event":"transition","from":"new","to":"error","message":"all at once"}');
INSERT INTO "event" VALUES(70,24,1795539338163,'{"event":"alert","alert":"error","message":"all at once"}');
INSERT INTO "event" VALUES(71,7,1795539339127,'{"event":"transition","from":"alive","to":"dead","message":"last words"}');
INSERT INTO "event" VALUES(72,7,1795539339127,'{"event":"alert","alert":"dead","message":"last words"}');
INSERT INTO "event" VALUES(73,NULL,1795539351204,'{"event":"blind","from":1795539340180}');
CREATE TABLE gap (
    began_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    away_ms  INTEGER NOT NULL
) STRICT;
INSERT INTO "gap" VALUES(1795539340180,1795539351204,11024);
CREATE TABLE seen (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;
INSERT INTO "seen" VALUES(1,1795539351257);
CREATE TABLE service (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    token     TEXT NOT NULL UNIQUE,
    overrides TEXT NOT NULL,
    declared  INTEGER NOT NULL
) STRICT;
INSERT INTO "service" VALUES(0,'declared','token-declared','{"timeout":"2h","tags":["file"]}',1);
INSERT INTO "service" VALUES(1,'new','token-new','{}',0);
INSERT INTO "service" VALUES(2,'alive','token-alive','{"timeout":"1h"}',0);
INSERT INTO "service" VALUES(3,'worded','token-worded','{"timeout":"1h"}',0);
INSERT INTO "service" VALUES(4,'warning','token-warning','{"timeout":"1h"}',0);
INSERT INTO "service" VALUES(5,'error','token-error','{"timeout":"1h"}',0);
INSERT INTO "service" VALUES(6,'recovered','token-recovered','{"timeout":"1h"}',0);
INSERT INTO "service" VALUES(7,'dead','token-dead','{"timeout":"1s","channels":["good"]}',0);
INSERT INTO "service" VALUES(8,'paused','token-paused','{"timeout":"1h"}',0);
INSERT INTO "service" VALUES(9,'undelivered','token-undelivered','{"timeout":"1h","channels":["down"]}',0);
INSERT INTO "service" VALUES(10,'refused','token-refused','{"timeout":"1h","channels":["gone"]}',0);
INSERT INTO "service" VALUES(11,'pardoned','token-pardoned','{"timeout":"1h"}',0);
INSERT INTO "service" VALUES(12,'whole','token-whole','{"timeout":"1d2h","grace":"1h30m","tags":["prod","eu"],"channels":["good","gone"],"notify_on":["dead","warning"],"remind_every":"2h","error_cooldown":"10m","resume_on_beat":false,"description":"All settings — ''each'' of them"}',0);
INSERT INTO "service" VALUES(13,'storm-00','token-storm-00','{"channels":["good"]}',0);
INSERT INTO "service" VALUES(14,'storm-01','token-storm-01','{"channels":["good"]}',0);
INSERT INTO "service" VALUES(15,'storm-02','token-storm-02','{"channels":["good"]}',0);
INSERT INTO "service" VALUES(16,'storm-03','token-storm-03','{"channels":["good"]}',0);
INSERT INTO "service" VALUES(17,'storm-04','token-storm-04','{"channels":["good"]}',0);
INSERT INTO "service" VALUES(18,'storm-05','token-storm-05','{"channels":["good"]}',0);
INSERT INTO "service" VALUES(19,'storm-06','token-storm-06','{"channels":["good"]}',0);
INSERT INTO "service" VALUES(20,'storm-07','token-storm-07','{"channels":["good"]}',0);
INSERT INTO "service" VALUES(21,'storm-08','token-storm-08','{"channels":["good"]}',0);
INSERT INTO "service" VALUES(22,'storm-09','token-storm-09','{"channels":["good"]}',0);
INSERT INTO "service" VALUES(23,'storm-10','token-storm-10','{"channels":["good"]}',0);
INSERT INTO "service" VALUES(24,'storm-11','token-storm-11','{"channels":["good"]}',0);
CREATE TABLE state (
    id          INTEGER PRIMARY KEY REFERENCES service (id) ON DELETE CASCADE,
    status      INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    last_seen   INTEGER,
    silent_from INTEGER NOT NULL,
    pardoned    INTEGER NOT NULL,
    message     TEXT,
    trouble     TEXT
) STRICT;
INSERT INTO "state" VALUES(0,1,1795539338140,1795539351228,1795539351228,0,NULL,NULL);
INSERT INTO "state" VALUES(1,0,1795539338104,NULL,1795539338104,0,NULL,NULL);
INSERT INTO "state" VALUES(2,1,1795539338106,1795539351211,1795539351211,0,NULL,NULL);
INSERT INTO "state" VALUES(3,1,1795539338108,1795539351212,1795539351212,0,'снова ''всё'' "хорошо"
line 2 \ ✓',NULL);
INSERT INTO "state" VALUES(4,2,1795539338109,1795539351214,1795539351214,0,'disk 91%',NULL);
INSERT INTO "state" VALUES(5,3,1795539338111,1795539351215,1795539351215,0,'disk full','{"began":1795539338111,"error_told_at":1795539338111,"error_told":"disk full","told":true}');
INSERT INTO "state" VALUES(6,1,1795539338121,1795539351216,1795539351216,0,NULL,NULL);
INSERT INTO "state" VALUES(7,4,1795539339127,1795539338127,1795539338127,0,'last words','{"began":1795539338127,"told":true}');
INSERT INTO "state" VALUES(8,5,1795539338141,1795539338129,1795539338129,0,'before the pause',NULL);
INSERT INTO "state" VALUES(9,3,1795539338131,1795539351217,1795539351217,0,'nobody hears','{"began":1795539338131,"error_told_at":1795539338131,"error_told":"nobody hears","told":true}');
INSERT INTO "state" VALUES(10,3,1795539338133,1795539351218,1795539351218,0,'410','{"began":1795539338133,"error_told_at":1795539338133,"error_told":"410","told":true}');
INSERT INTO "state" VALUES(11,1,1795539338137,1795539338137,1795539338137,0,NULL,NULL);
INSERT INTO "state" VALUES(12,1,1795539338139,1795539351219,1795539351219,0,NULL,NULL);
INSERT INTO "state" VALUES(13,3,1795539338149,1795539351220,1795539351220,0,'all at once','{"began":1795539338149,"error_told_at":1795539338149,"error_told":"all at once","told":true}');
INSERT INTO "state" VALUES(14,3,1795539338150,1795539351220,1795539351220,0,'all at once','{"began":1795539338150,"error_told_at":1795539338150,"error_told":"all at once","told":true}');
INSERT INTO "state" VALUES(15,3,1795539338152,1795539351221,1795539351221,0,'all at once','{"began":1795539338152,"error_told_at":1795539338152,"error_told":"all at once","told":true}');
INSERT INTO "state" VALUES(16,3,1795539338153,1795539351222,1795539351222,0,'all at once','{"began":1795539338153,"error_told_at":1795539338153,"error_told":"all at once","told":true}');
INSERT INTO "state" VALUES(17,3,1795539338155,1795539351222,1795539351222,0,'all at once','{"began":1795539338155,"error_told_at":1795539338155,"error_told":"all at once","told":true}');
INSERT INTO "state" VALUES(18,3,1795539338156,1795539351223,1795539351223,0,'all at once','{"began":1795539338156,"error_told_at":1795539338156,"error_told":"all at once","told":true}');
INSERT INTO "state" VALUES(19,3,1795539338157,1795539351224,1795539351224,0,'all at once','{"began":1795539338157,"error_told_at":1795539338157,"error_told":"all at once","told":true}');
INSERT INTO "state" VALUES(20,3,1795539338158,1795539351224,1795539351224,0,'all at once','{"began":1795539338158,"error_told_at":1795539338158,"error_told":"all at once","told":true}');
INSERT INTO "state" VALUES(21,3,1795539338160,1795539351225,1795539351225,0,'all at once','{"began":1795539338160,"error_told_at":1795539338160,"error_told":"all at once","told":true}');
INSERT INTO "state" VALUES(22,3,1795539338161,1795539351226,1795539351226,0,'all at once','{"began":1795539338161,"error_told_at":1795539338161,"error_told":"all at once","told":true}');
INSERT INTO "state" VALUES(23,3,1795539338162,1795539351227,1795539351227,0,'all at once','{"began":1795539338162,"error_told_at":1795539338162,"error_told":"all at once","told":true}');
INSERT INTO "state" VALUES(24,3,1795539338163,1795539351227,1795539351227,0,'all at once','{"began":1795539338163,"error_told_at":1795539338163,"error_told":"all at once","told":true}');
CREATE TABLE status (
    code INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "status" VALUES(0,'new');
INSERT INTO "status" VALUES(1,'alive');
INSERT INTO "status" VALUES(2,'warning');
INSERT INTO "status" VALUES(3,'error');
INSERT INTO "status" VALUES(4,'dead');
INSERT INTO "status" VALUES(5,'paused');
CREATE VIEW heartbeats AS
SELECT service.id                         AS id,
       service.name                       AS service_name,
       strftime('%Y-%m-%dT%H:%M:%fZ', state.last_seen / 1000.0, 'unixepoch') AS last_seen,
       status.name                        AS status,
       state.message                      AS message
FROM service
         JOIN state ON state.id = service.id
         JOIN status ON status.code = state.status
ORDER BY service.name;
CREATE INDEX event_of_service ON event (service_id, seq);
CREATE INDEX event_at ON event (at);
CREATE INDEX delivery_pending ON delivery (channel, next_try) WHERE state = 0 AND digest IS NULL;
CREATE INDEX delivery_order ON delivery (service_id, channel, seq);
CREATE INDEX delivery_digest ON delivery (digest) WHERE digest IS NOT NULL;
CREATE INDEX delivery_settled ON delivery (tried_at) WHERE state <> 0;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('event',73);
INSERT INTO "sqlite_sequence" VALUES('delivery',26);
COMMIT;
